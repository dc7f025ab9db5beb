"""A browser, and pages of small models, that the tests of the page share."""

import functools
import http.server
import threading

import keras
import pytest


@pytest.fixture(scope="package")
def browser():
    from tests.explore.page.shown import CHROMIUM, FLAGS, playwright

    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def images():
    """A session of a small model of images with positions that are easy to check."""
    from kzoo.explore.session import Session

    keras.utils.set_random_seed(0)
    x = keras.Input((28, 28, 1), name="input")
    y = keras.layers.Conv2D(6, 5, name="conv")(x)
    y = keras.layers.MaxPooling2D(2, name="pool")(y)
    y = keras.layers.Conv2D(8, 3, activation="relu", name="conv2")(y)
    y = keras.layers.Dense(10, "softmax", name="fc", kernel_initializer="normal")(keras.layers.Flatten()(y))
    return Session(keras.Model(x, y, name="small"), "A model for tests")


@pytest.fixture(scope="package")
def address(images):
    from tests.explore.page.shown import served

    with served(images) as address:
        yield address


@pytest.fixture(scope="package")
def signals():
    """Sessions of two models with the same examples: one kernel for all positions, and one for each."""
    from kzoo.explore.comparison import open_sessions

    return open_sessions(["mnist1d_cnn", "mnist1d_local"])


class Files(http.server.SimpleHTTPRequestHandler):
    """Python's own server of files, which prints nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def recorded(tmp_path):
    """Yields a function that writes a site of sessions into a subfolder, and returns its address."""
    from kzoo.explore.site import write_site

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def write(*sessions):
            write_site(sessions, tmp_path / "sub" / "site")
            return f"http://127.0.0.1:{server.server_port}/sub/site/"

        yield write
        server.shutdown()
        thread.join()
