"""Highway layers: each number is partly carried on and partly made anew, a gate says how much."""

import keras


@keras.saving.register_keras_serializable("textmill")
class Highway(keras.layers.Layer):
    """c * x + (1 - c) * relu(W x + b), where c = sigmoid(W_c x + b_c).

    b_c starts at 1, so that a new layer lets most of x pass.

    Call: (..., D) -> (..., D).
    Args: seed, of the first weights.
    Source: Srivastava et al. 2015, https://arxiv.org/abs/1505.00387, equation 3 and section 2.2.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape):
        width = input_shape[-1]
        # Variance 1 / D, as in the code of ELMo, https://github.com/allenai/bilm-tf.
        self.carry, self.transform = (
            keras.layers.Dense(
                width,
                activation,
                kernel_initializer=keras.initializers.LecunNormal(self.seed + i),
                bias_initializer=bias,
                dtype=self.dtype_policy,
                name=name,
            )
            for i, (name, activation, bias) in enumerate(
                [("carry", "sigmoid", "ones"), ("transform", "relu", "zeros")]
            )
        )
        self.carry.build(input_shape)
        self.transform.build(input_shape)

    def call(self, x):
        carry = self.carry(x)
        return carry * x + (1 - carry) * self.transform(x)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
