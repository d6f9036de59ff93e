"""Only nodes with the right certificate talk to nodes; anybody else is shown the door and harms nobody."""

import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
from typing import Optional

from nodes import ClusterCase, ClusterNode, wait_until

SECONDS = 5.0


class Authority:
    """A certificate authority in a directory, and what it has signed."""

    def __init__(self, directory: pathlib.Path, name: str) -> None:
        self.directory = directory / name
        self.directory.mkdir()
        self.certificate = self.directory / "authority.pem"
        self._key = self.directory / "authority.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", str(self._key), "-out", str(self.certificate))

    def sign(self, name: str) -> "tuple[pathlib.Path, pathlib.Path]":
        certificate, key, request = (self.directory / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", str(key), "-out", str(request))
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
                      "-CAcreateserial", "-days", "2", "-out", str(certificate))
        return certificate, key

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def flags(self, name: str) -> "list[str]":
        certificate, key = self.sign(name)
        return ["--cluster-certificate", str(certificate), "--cluster-key", str(key), "--cluster-authority", str(self.certificate)]


@unittest.skipUnless(shutil.which("openssl"), "needs the openssl command to make certificates")
class Certificates(ClusterCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def test_a_stranger_without_a_certificate_is_refused(self) -> None:
        self.assert_refused(None)

    def test_a_stranger_with_a_certificate_of_his_own_is_refused(self) -> None:
        self.assert_refused(Authority(self.path, "stranger"))

    def test_a_stranger_who_speaks_no_tls_is_refused(self) -> None:
        with socket.create_connection(("127.0.0.1", self.cluster["n1"].cluster_port), timeout=SECONDS) as connection:
            try:
                connection.sendall(b"hello, node\r\n" * 100)
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.assert_unharmed()

    def test_a_stranger_who_says_nothing_keeps_nobody_from_talking(self) -> None:
        silent = [socket.create_connection(("127.0.0.1", self.cluster["n1"].cluster_port), timeout=SECONDS) for _ in range(20)]
        for one in silent:
            self.addCleanup(one.close)
        self.cluster["n2"].kill9()
        self.cluster["n2"].start()
        self.cluster.wait_for_balance()

    def assert_refused(self, authority: Optional[Authority]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if authority is not None:
            context.load_cert_chain(*authority.sign("stranger"))
        with socket.create_connection(("127.0.0.1", self.cluster["n1"].cluster_port), timeout=SECONDS) as raw:
            try:
                with context.wrap_socket(raw) as connection:
                    connection.sendall(b"\0" * 64)
                    # With TLS 1.3 the refusal comes after the client thinks that it is in.
                    self.assertEqual(connection.recv(65536), b"", "a stranger was answered")
            except (ssl.SSLError, ConnectionError):
                pass
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        self.cluster.wait_for_balance()

    def test_a_node_of_another_authority_gets_no_link(self) -> None:
        other = Authority(self.path, "other")
        stranger = ClusterNode("n4", self.cluster.database.url, *other.flags("n4"))
        with stranger:
            wait_until("the others see it in the database", lambda: "n4" in self.cluster["n1"].members(), 20)
            links = set()
            nothing = threading.Event()
            for _ in range(20):
                links |= {one.members().get(other, {}).get("link", "down")
                          for one, other in ((self.cluster["n1"], "n4"), (stranger, "n1"))}
                nothing.wait(0.1)
            self.assertEqual(links, {"down"})
            # Without links it is slower, and as right as ever.
            task = stranger.create("linear")
            nodes = [stranger, *self.cluster.nodes]

            def one_round() -> bool:
                for node in nodes:
                    for step in node.poll(max_steps=10):
                        self.assertIn(nodes[(nodes.index(node) + 1) % 4].report(step), ("accepted", "duplicate", "stale"))
                return self.cluster["n2"].task(task)["status"] == "complete"

            wait_until("the task ends", one_round, 60)
        self.cluster.wait_for_balance()

    def test_nodes_with_certificates_of_one_authority_from_files_are_a_cluster(self) -> None:
        own = Authority(self.path, "own")
        for node in self.cluster.nodes:  # all at once: with two authorities nobody would talk to anybody
            node.stop()
            node.arguments += own.flags(node.name)
        for node in self.cluster.nodes:
            node.start()
        self.cluster.wait_for_balance()
        for node in self.cluster.nodes:
            node.stop()
            del node.arguments[-6:]
        for node in self.cluster.nodes:
            node.start()
        self.cluster.wait_for_balance()


if __name__ == "__main__":
    unittest.main()
