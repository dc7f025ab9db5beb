"""`kzoo layers`."""


def test_layers(call):
    code, out, _ = call("layers", "*Pooling*")
    assert code == 0 and "StochasticPooling" in out and "Zeiler & Fergus 2013" in out and "GaborConv" not in out
    code, out, err = call("layers", "Deconv2D")
    assert (code, out) == (2, "") and "no layer matches 'Deconv2D'; did you mean" in err
