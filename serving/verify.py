"""Does a server answer what the trained model answered?

    python -m serving.verify EXPORT --url http://127.0.0.1:8501 --grpc 127.0.0.1:8500

Replays the export's golden requests against that version of the model, on the stand-in or on
TensorFlow Serving, and prints the largest difference; exit status 1 when it is too large.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.publishing.verify import golden_requests, replay, tolerance
from serving.client import GrpcClient, RestClient, ServerError


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m serving.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("export", type=Path, metavar="EXPORT", help="work/models/NAME/VERSION")
    parser.add_argument("--url", help="REST, such as http://127.0.0.1:8501")
    parser.add_argument("--grpc", metavar="HOST:PORT", help="gRPC, such as 127.0.0.1:8500")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    given = parser.parse_args(argv)
    if not (given.url or given.grpc):
        parser.error("give --url, --grpc or both")
    try:
        differences = verify(given.export, given.url, given.grpc)
    except (JobError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for protocol, difference in differences.items():
        print(f"{protocol}: largest difference {difference:.3g}")
    if given.json:
        largest = max(differences.values())
        facts = {"export_dir": str(given.export), "largest_difference": largest, **differences}
        print(json.dumps(facts))
    return 0


def verify(export: Path, url: str | None, grpc: str | None) -> dict[str, float]:
    """The largest difference by protocol.

    Raises:
        JobError: one is larger than the export's precision allows, or the export has changed.
        ServerError: the server does not answer, or not for this version.
    """
    artifacts.check(export)
    facts, golden = artifacts.manifest(export), golden_requests(export)
    model, allowed = (facts["name"], facts["version"]), tolerance(export)
    differences = {}
    if url:
        with RestClient(url, *model) as client:
            differences["REST"] = replay(golden, client.predict, allowed)
    if grpc:
        with GrpcClient(grpc, *model) as client:
            differences["gRPC"] = replay(golden, client.predict, allowed)
    return differences


if __name__ == "__main__":
    sys.exit(main())
