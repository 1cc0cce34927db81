"""transformers' GPT-2, writing on from a text; run by benchmarks/generation.py."""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[1]))

from generation import FOLDER, WRITTEN, prompt, run_side

OUTSIDE = {
    "transformer.wte.weight": "embeddings/table",
    "transformer.wpe.weight": "embeddings/positions",
    "transformer.ln_f.weight": "encoder/norm/gamma",
    "transformer.ln_f.bias": "encoder/norm/beta",
    "lm_head.bias": "softmax/bias",
}
LAYER = {
    "attn.c_attn.weight": "attention/qkv_kernel",
    "attn.c_attn.bias": "attention/qkv_bias",
    "attn.c_proj.weight": "attention/output_kernel",
    "attn.c_proj.bias": "attention/output_bias",
    "ln_1.weight": "attention_norm/gamma",
    "ln_1.bias": "attention_norm/beta",
    "ln_2.weight": "feed_forward_norm/gamma",
    "ln_2.bias": "feed_forward_norm/beta",
    "mlp.c_fc.weight": "inner/kernel",
    "mlp.c_fc.bias": "inner/bias",
    "mlp.c_proj.weight": "outer/kernel",
    "mlp.c_proj.bias": "outer/bias",
}


def gpt(precision):
    """The model with our weights; GPT-2 has no bias in its softmax, ours has."""
    torch.set_num_threads(1)
    (path,) = (FOLDER / precision).glob("runs/*/training/weights.safetensors")
    ours = load_file(path)
    size, width = ours["embeddings/table"].shape
    context = len(ours["embeddings/positions"])
    layers = 1 + max(int(name.split("_")[1].split("/")[0]) for name in ours if "layer_" in name)
    config = transformers.GPT2Config(
        vocab_size=size, n_positions=context, n_embd=width, n_layer=layers, n_head=width // 64
    )
    model = transformers.GPT2LMHeadModel(config)
    model.lm_head = torch.nn.Linear(width, size)
    names = dict(OUTSIDE)
    for n in range(layers):
        names |= {f"transformer.h.{n}.{a}": f"encoder/layer_{n}/{b}" for a, b in LAYER.items()}
    state = {theirs: ours[own] for theirs, own in names.items()}
    state["lm_head.weight"] = state["transformer.wte.weight"]
    model.load_state_dict(state)
    return model.eval().to(torch.float32 if precision == "float32" else torch.bfloat16)


def functions(precision):
    model, told = gpt(precision), prompt(precision)
    ids = torch.tensor([told["ids"]])

    @torch.inference_mode()
    def following():
        chances = model(ids).logits[0, -1].float().softmax(-1)
        return dict(zip(told["vocabulary"], chances.tolist(), strict=True))

    @torch.inference_mode()
    def write(together):
        asked = ids.expand(together, -1)
        found = model.generate(
            asked,
            attention_mask=torch.ones_like(asked),
            max_new_tokens=WRITTEN,
            min_new_tokens=WRITTEN,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=None,
        )
        return found[:, ids.shape[1] :].numel()

    return following, write


if __name__ == "__main__":
    run_side(functions)
