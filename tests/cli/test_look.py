"""`kzoo look`: the command; tests/training/test_look.py has the tests of its pictures."""


def test_look(call, monkeypatch):
    received = []

    def draw(*args):
        received.extend(args)
        return "look/page"

    monkeypatch.setattr("kzoo.training.look.look", draw)
    options = ["--layer", "stage2", "--unit", "3", "--data", "a.npy", "--data", "b.npy"]
    assert call("look", "mnist1d_cnn", *options) == (0, "", "Written to look/page.\n")
    assert received == ["mnist1d_cnn", "stage2", 3, 0, ["a.npy", "b.npy"], None]
