"""BERT in PyTorch and in ONNX Runtime, from raw texts; run by benchmarks/inference.py.

.venv-peers/bin/python benchmarks/peers/bert_inference.py {torch|onnx} --side ...
.venv-peers/bin/python benchmarks/peers/bert_inference.py convert FOLDER
"""

import os
import sys
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from inference import published, run_side
from tokenizers import BertWordPieceTokenizer

LENGTH = 64  # the recipe's


def tokenizer(folder):
    """Texts -> ids and mask, (B, T) int64."""
    own = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True, strip_accents=True)
    own.enable_truncation(LENGTH)
    own.enable_padding()

    def encode(texts):
        found = own.encode_batch(texts)
        return np.array([f.ids for f in found]), np.array([f.attention_mask for f in found])

    return encode


def bert(folder, dtype):
    import torch
    from transformers import BertForSequenceClassification

    torch.set_num_threads(1)
    return BertForSequenceClassification.from_pretrained(folder, dtype=dtype).eval()


def torch_answers(precision):
    import torch

    folder = published(precision)[1]
    encode = tokenizer(folder)
    model = bert(folder, torch.float32 if precision == "float32" else torch.bfloat16)

    @torch.inference_mode()
    def answers(texts):
        ids, mask = map(torch.from_numpy, encode(texts))
        return model(ids, attention_mask=mask).logits.float().softmax(-1).numpy()

    return answers


def onnx_answers(precision):
    import onnxruntime

    folder = published(precision)[1]
    encode = tokenizer(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)

    def answers(texts):
        ids, mask = encode(texts)
        (logits,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        return odds / odds.sum(-1, keepdims=True)

    return answers


def convert(folder):
    import torch
    from onnxruntime.transformers import optimizer

    model = bert(folder, torch.float32)
    ids, mask = torch.ones((2, 2, 8), dtype=torch.int64)
    mask[0, 5:] = 0  # else transformers leaves the mask out
    free = {0: torch.export.Dim("rows"), 1: torch.export.Dim("length", max=LENGTH)}
    plain = folder / "plain.onnx"
    torch.onnx.export(
        model,
        (ids, mask),
        plain,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": free, "attention_mask": free},
        dynamo=True,
    )
    heads, width = model.config.num_attention_heads, model.config.hidden_size
    made = optimizer.optimize_model(str(plain), "bert", num_heads=heads, hidden_size=width)
    print(made.get_fused_operator_statistics())
    made.save_model_to_file(str(folder / "model.onnx"))


if __name__ == "__main__":
    match sys.argv[1]:
        case "convert":
            convert(Path(sys.argv[2]))
        case "torch":
            run_side(torch_answers)
        case "onnx":
            run_side(onnx_answers)
