"""`kzoo export`: its help; test_train.py exports a run."""


def test_export_help_names_every_format(call):
    from kzoo.export.registry import FORMATS

    out = " ".join(call("export", "--help")[1].split())
    assert ", ".join(FORMATS) in out
