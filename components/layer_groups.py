"""The weights of a model from bottom to top, for rates and unfreezing by group."""

VECTORS, ENCODERS = ("embeddings", "spelling"), ("encoder", "features")


def layer_groups(model):
    """Lists of trainable variables, each variable in one of them, from what sees words to the head.

    First what makes the tokens' vectors; then the encoder, in as many groups as its property
    `groups`, lists of its layers from bottom to top, has members, or in one; then all else. The
    table of a tied softmax counts as the softmax: new words need it most, and fastai's
    `awd_lstm_lm_split` puts it there too. A model of the field's usual names fits: see VECTORS and
    ENCODERS. No group is empty, and a frozen variable is in none.
    Source of the idea: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2.
    """
    tied = any(getattr(layer, "tied", False) for layer in model.layers)
    makes_vectors = [
        layer
        for layer in model.layers
        if layer.name.startswith("elmo_") or (layer.name in VECTORS and not tied)
    ]
    levels = [makes_vectors]
    for layer in model.layers:
        if layer.name in ENCODERS:
            levels += getattr(layer, "groups", [[layer]])
    groups = [[v for layer in level for v in layer.trainable_variables] for level in levels]
    grouped = {id(variable) for group in groups for variable in group}
    rest = [v for v in model.trainable_variables if id(v) not in grouped]
    return [group for group in (*groups, rest) if group]
