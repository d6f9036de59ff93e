import socket
import struct
import sys
import unittest

from geartrain.transport import Connection, Response, TransportError
from geartrain.worker.execution import Report, results_body
from fake_node import FakeNode

BODY = b'{"worker_id":"w","namespaces":["n"],"max_steps":1,"wait_ms":0}'


class CountingSocket:
    """Stands before a socket and counts what is sent."""

    def __init__(self, sock):
        self._sock = sock
        self.sends = []

    def sendall(self, data):
        self.sends.append(bytes(data))
        self._sock.sendall(data)

    def __getattr__(self, name):
        return getattr(self._sock, name)


class Exchanges(unittest.TestCase):
    def setUp(self):
        self.node = FakeNode()
        self.addCleanup(self.node.kill)
        self.connection = Connection(self.node.url)
        self.addCleanup(self.connection.close)

    def poll(self, body=BODY, timeout=10.0):
        return self.connection.request("POST", "/v1/workers/poll", body, timeout=timeout)

    def test_a_poll_with_a_result_is_one_send(self):
        self.poll()
        counting = CountingSocket(self.connection.socket)
        self.connection._http.sock = counting
        report = Report("s", "t", '{"step_uuid":"s","lease_token":"t","success":true,"result":{"n":1}}')
        body = BODY[:-1] + b"," + results_body("w", [report]).split(b",", 1)[1]
        self.assertEqual(self.poll(body).json()["results"][0]["status"], "stale")
        self.assertEqual(len(counting.sends), 1)
        self.assertTrue(counting.sends[0].startswith(b"POST /v1/workers/poll HTTP/1.1\r\n"))
        self.assertTrue(counting.sends[0].endswith(body))

    @unittest.skipUnless(sys.platform == "linux", "counts segments by TCP_INFO")
    def test_an_exchange_is_one_segment(self):
        self.poll()

        def data_segments_out():
            info = self.connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            return struct.unpack_from("=I", info, 156)[0] if len(info) >= 160 else None

        before = data_segments_out()
        if not before:
            self.skipTest("this kernel does not count segments")
        for _ in range(50):
            self.poll()
        self.assertEqual(data_segments_out() - before, 50)
        self.assertEqual(self.node.connections, 1)

    def test_no_delay(self):
        self.poll()
        self.assertTrue(self.connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def test_a_refused_connection(self):
        self.node.kill()
        with self.assertRaisesRegex(TransportError, "Refused"):
            self.poll()

    def test_it_connects_again_after_the_node_came_back(self):
        self.poll()
        self.node.kill()
        with self.assertRaises(TransportError):
            self.poll()
        self.node.start()
        self.assertEqual(self.poll().status, 200)

    def test_an_idle_connection_that_the_node_closed_is_replaced(self):
        self.poll()
        self.node.kill()
        self.node.start()
        self.connection._last_used -= 60
        self.assertEqual(self.poll().status, 200)

    def test_silence_is_bounded(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        connection = Connection(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with self.assertRaisesRegex(TransportError, "timed out|TimeoutError|timeout"):
            connection.request("GET", "/", timeout=0.05)

    def test_wrong_urls(self):
        for url in ("127.0.0.1:80", "ftp://x", "http://", ""):
            with self.assertRaises(ValueError):
                Connection(url)

    def test_retry_after(self):
        def parsed(text):
            return Response(503, {"retry-after": text}, b"").retry_after()

        self.assertEqual(parsed("5"), 5)
        self.assertEqual(parsed("Wed, 21 Oct 2015 07:28:00 GMT"), 0)
        self.assertIsNone(parsed("soon"))
        self.assertIsNone(Response(503, {}, b"").retry_after())
