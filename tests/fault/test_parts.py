"""The parts of a fault run that can lie: the schedule, the proxies, the stepped clock, the ledger."""

import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from typing import List, Optional

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster"), str(HERE.parent / "system")]

import ledger  # noqa: E402
import schedule  # noqa: E402
from many import seeds_of, total  # noqa: E402
from means import SteppedClock, build_clock_library  # noqa: E402
from tcp_proxy import DROP, HOLD, RESET, Proxy  # noqa: E402

NODES, WORKERS = ["n1", "n2", "n3"], ["w1", "w2"]


class ScheduleTest(unittest.TestCase):
    def test_it_follows_from_the_seed(self) -> None:
        first = schedule.make(7, 60, NODES, WORKERS, schedule.SCHEDULED)
        self.assertEqual(first, schedule.make(7, 60, NODES, WORKERS, schedule.SCHEDULED))
        self.assertNotEqual(first, schedule.make(8, 60, NODES, WORKERS, schedule.SCHEDULED))

    def test_every_kind_comes_and_lasts_no_longer_than_the_run(self) -> None:
        kinds = set()
        for seed in range(60):
            for fault in schedule.make(seed, 60, NODES, WORKERS, schedule.SCHEDULED):
                kinds.add(fault.kind)
                self.assertLessEqual(fault.at + fault.seconds, 60)
        self.assertEqual(kinds, set(schedule.SCHEDULED))

    def test_a_target_has_one_fault_at_a_time_and_a_node_is_left_alone(self) -> None:
        for seed in range(60):
            faults = schedule.make(seed, 60, NODES, WORKERS, schedule.SCHEDULED)
            for fault in faults:
                now = [one for one in faults if one.at <= fault.at < one.at + one.seconds]
                self.assertEqual(len({one.target for one in now}), len(now), faults)
                self.assertLess(len([one for one in now if one.target in NODES]), len(NODES))

    def test_only_what_is_asked_for(self) -> None:
        self.assertEqual(schedule.make(1, 60, NODES, WORKERS, []), [])
        self.assertEqual({fault.kind for fault in schedule.make(1, 60, NODES, WORKERS, ["kill"])}, {"kill"})


class ProxyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.proxy = Proxy(self.server.getsockname())
        self.addCleanup(self.proxy.close)

    def connected(self) -> "tuple[socket.socket, socket.socket]":
        client = socket.create_connection((self.proxy.host, self.proxy.port), timeout=5)
        server, _ = self.server.accept()
        server.settimeout(5)
        self.addCleanup(client.close)
        self.addCleanup(server.close)
        return client, server

    def test_it_passes_both_ways_and_passes_the_end_on(self) -> None:
        client, server = self.connected()
        big = bytes(range(256)) * 8192
        threading.Thread(target=lambda: (client.sendall(big), client.shutdown(socket.SHUT_WR)), daemon=True).start()
        self.assertEqual(received(server), big)
        server.sendall(b"answer")
        server.close()
        self.assertEqual(received(client), b"answer")

    def test_what_is_held_comes_late(self) -> None:
        client, server = self.connected()
        cut = self.proxy.cut(HOLD)
        client.sendall(b"late")
        self.assertIsNone(received_within(server, 0.1))
        self.proxy.heal(cut)
        self.assertEqual(received_within(server, 5), b"late")

    def test_a_connection_made_during_a_hold_goes_through_afterwards(self) -> None:
        cut = self.proxy.cut(HOLD)
        client = socket.create_connection((self.proxy.host, self.proxy.port), timeout=5)
        self.addCleanup(client.close)
        client.sendall(b"early")
        self.proxy.heal(cut)
        server, _ = self.server.accept()
        self.addCleanup(server.close)
        self.assertEqual(received_within(server, 5), b"early")

    def test_what_is_dropped_never_comes_and_the_connection_is_reset_in_the_end(self) -> None:
        client, server = self.connected()
        cut = self.proxy.cut(DROP)
        client.sendall(b"gone")
        self.assertIsNone(received_within(server, 0.1))
        self.proxy.heal(cut)
        with self.assertRaises(ConnectionResetError):
            received(server)

    def test_a_reset_refuses_what_is_open_and_what_comes(self) -> None:
        client, _ = self.connected()
        cut = self.proxy.cut(RESET)
        with self.assertRaises(ConnectionResetError):
            received(client)
        with self.assertRaises(OSError):
            with socket.create_connection((self.proxy.host, self.proxy.port), timeout=5) as late:
                late.sendall(b"x")
                if received(late) == b"":
                    raise ConnectionResetError
        self.proxy.heal(cut)
        self.connected()

    def test_a_trap_lets_so_many_bytes_pass(self) -> None:
        client, server = self.connected()
        self.proxy.reset_after(3)
        client.sendall(b"abcdef")
        with self.assertRaises(ConnectionResetError):
            received(client)
        self.assertEqual(self.proxy.traps_sprung, 1)
        got: List[Optional[bytes]] = []
        try:
            got.append(server.recv(100))
        except ConnectionResetError:  # the reset may overtake what came before it
            got.append(b"abc")
        self.assertEqual(got, [b"abc"])

    def test_only_some_callers_are_cut_off(self) -> None:
        names = {}
        proxy = Proxy(self.server.getsockname(), caller_of=lambda port, own: names.get(port, ""))
        self.addCleanup(proxy.close)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        names[port] = "bad"
        cut = proxy.cut(HOLD, ["bad"])
        bad = socket.create_connection((proxy.host, proxy.port), timeout=5, source_address=("127.0.0.1", port))
        good = socket.create_connection((proxy.host, proxy.port), timeout=5)
        for one in (bad, good):
            self.addCleanup(one.close)
        bad.sendall(b"bad")
        good.sendall(b"good")
        server, _ = self.server.accept()
        self.addCleanup(server.close)
        self.assertEqual(received_within(server, 5), b"good")
        proxy.heal(cut)

    def test_it_goes_to_another_target_when_told(self) -> None:
        client, _ = self.connected()
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.proxy.switch(other.getsockname())
            with self.assertRaises(ConnectionResetError):
                received(client)
            again = socket.create_connection((self.proxy.host, self.proxy.port), timeout=5)
            self.addCleanup(again.close)
            other.settimeout(5)
            other.accept()[0].close()


def received(source: socket.socket) -> bytes:
    data = b""
    while more := source.recv(65536):
        data += more
    return data


def received_within(source: socket.socket, seconds: float) -> Optional[bytes]:
    source.settimeout(seconds)
    try:
        return source.recv(65536)
    except TimeoutError:
        return None
    finally:
        source.settimeout(5)


class MeansTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def test_a_clock_steps_in_a_running_process(self) -> None:
        library = build_clock_library(self.path)
        if library is None:
            self.skipTest("no C compiler")
        clock = SteppedClock(library, self.path / "clock")
        program = "import sys, time\nfor _ in sys.stdin: print(time.time() - time.monotonic(), flush=True)"
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=clock.environment) as process:
            assert process.stdin is not None and process.stdout is not None

            def distance() -> float:
                process.stdin.write("\n")
                process.stdin.flush()
                return float(process.stdout.readline())

            before = distance()
            for step in (-90_500, 3_600_250, 0):
                clock.step(step)
                self.assertAlmostEqual(distance() - before, step / 1000, delta=0.2)
            process.stdin.close()

    def test_a_ledger_is_read_in_the_order_of_time_without_its_torn_line(self) -> None:
        first, second = ledger.Ledger(self.path / "a.ledger"), ledger.Ledger(self.path / "b.ledger")
        first.write({"n": 1})
        second.write({"n": 2}, {"n": 3})
        first.write({"n": 4})
        for one in (first, second):
            one.close()
        with (self.path / "b.ledger").open("a") as file:
            file.write('{"n": 5')
        self.assertEqual([line["n"] for line in ledger.read(self.path)], [1, 2, 3, 4])

    def test_a_nonce_is_where_the_column_has_it(self) -> None:
        token = bytes(32) + (-5).to_bytes(8, "big", signed=True) + bytes(8)
        self.assertEqual(ledger.nonce_of(ledger.base64.urlsafe_b64encode(token).decode().rstrip("=")), -5)


class ManyTest(unittest.TestCase):
    def test_seeds(self) -> None:
        self.assertEqual(seeds_of("1-3,7"), [1, 2, 3, 7])

    def test_a_total(self) -> None:
        runs = [{"tasks": 2, "faults": {"kill": 1}, "violations": 0, "cluster": True},
                {"tasks": 3, "faults": {"kill": 2, "freeze": 1}, "violations": 1, "violations_by_kind": {"x": 1}, "cluster": True}, {}]
        summary = total(runs, [0, 1, 2])
        self.assertEqual((summary["ok"], summary["violated"], summary["failed"]), (1, 1, 1))
        self.assertEqual((summary["tasks"], summary["faults"], summary["violations"]), (5, {"freeze": 1, "kill": 3}, 1))


if __name__ == "__main__":
    unittest.main()
