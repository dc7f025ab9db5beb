"""Runs a `Program` in its framework: a function without arguments that computes and waits for the result."""


def runner(program, kind, dtype):
    """Returns the function to time; `kind` is "forward" or "step", arrays and gradients have dtype `dtype`."""
    if program.framework == "plain":
        return program.function[kind]
    return {"tensorflow": _tensorflow, "xla": _tensorflow, "torch": _torch, "jax": _jax}[program.framework](
        program, kind, dtype
    )


def _first(y):
    """Returns the first output: the values, if a pool also returns indices."""
    return y[0] if isinstance(y, (tuple, list)) else y


def _floating(array):
    return array.dtype.kind == "f"


def _tensorflow(program, kind, dtype):
    import tensorflow as tf

    inputs = [tf.cast(a, dtype) if _floating(a) else tf.constant(a) for a in program.arrays]

    def forward(*inputs):
        return program.function(*inputs)

    def step(dy, *inputs):
        floating = [x for x in inputs if x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(floating)
            y = _first(forward(*inputs))
        return y, tape.gradient(y, [*floating, *program.variables], dy)

    compiled = program.framework == "xla" or None
    if kind == "forward":
        run = tf.function(forward, jit_compile=compiled)
        return lambda: run(*inputs)
    y = _first(tf.function(forward)(*inputs))
    dy = tf.cast(tf.random.stateless_normal(y.shape, (1, 2)), y.dtype)
    run = tf.function(step, jit_compile=compiled)
    return lambda: run(dy, *inputs)


def _torch(program, kind, dtype):
    import torch

    dtype = getattr(torch, dtype)
    inputs = [torch.from_numpy(a) for a in program.arrays]
    inputs = [x.to(dtype).requires_grad_(kind == "step") if x.is_floating_point() else x for x in inputs]
    floating = [x for x in (*inputs, *program.variables) if x.is_floating_point()]
    if kind == "forward":

        def forward():
            with torch.inference_mode():
                return program.function(*inputs)

        return forward
    with torch.no_grad():
        y = _first(program.function(*inputs))
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.dtype)
    dy = torch.empty_like(y).copy_(dy)  # in y's own layout

    def step():
        y = _first(program.function(*inputs))
        return y, torch.autograd.grad(y, floating, dy)

    return step


def _jax(program, kind, dtype):
    import jax

    inputs = [jax.numpy.asarray(a, dtype if _floating(a) else None) for a in program.arrays]
    if kind == "forward":
        run = jax.jit(program.function)
        return lambda: jax.block_until_ready(run(*inputs))
    positions = [i for i, a in enumerate(program.arrays) if _floating(a)]

    def step(dy, *inputs):
        def of(*floating):
            called = list(inputs)
            for i, x in zip(positions, floating):
                called[i] = x
            return program.function(*called)

        y, back = jax.vjp(of, *(inputs[i] for i in positions))
        return y, back(dy)

    y = jax.jit(program.function)(*inputs)
    dy = jax.random.normal(jax.random.key(1), y.shape, "float32").astype(y.dtype)
    run = jax.jit(step)
    return lambda: jax.block_until_ready(run(dy, *inputs))
