"""The address of an MLflow store as it may be shown and written down: without what is secret."""

import re
from urllib.parse import unquote

SECRET = re.compile(r"pass|pwd|token|secret|credential|api_?key|odbc_connect", re.IGNORECASE)
HIDDEN = "***"


def without_secrets(uri: str) -> str:
    """An address without the password, a server's without the user too, which may be a token.

    Of a database's parameters those go whose names speak of a secret. MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD tell MLflow a server's; a database's is told in MLFLOW_TRACKING_URI.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return uri
    # A password may hold an @ or a / that should have been written as %40 and %2F. A file's address
    # begins with a / and has neither user nor password.
    user_and_password, at, place = ("", "", rest) if rest.startswith("/") else rest.rpartition("@")
    place, question, query = place.partition("?")
    if scheme.startswith("http"):
        return f"{scheme}://{place}"
    user = user_and_password.partition(":")[0]
    kept = "&".join(part for part in query.split("&") if not SECRET.search(part.split("=")[0]))
    return f"{scheme}://{user}{at}{place}{question if kept else ''}{kept}"


def hide_secrets(text: str, uri: str) -> str:
    """A message that may speak of an address, without what `without_secrets` leaves out."""
    text = text.replace(uri, without_secrets(uri))
    return re.sub(r"://[^/\s@]*:[^\s@]*@", f"://{HIDDEN}@", text)


def user_and_password(uri: str) -> tuple[str, str]:
    """Both are empty where the address does not say them."""
    given = uri.partition("://")[2].rpartition("@")[0].partition(":")
    return unquote(given[0]), unquote(given[2])
