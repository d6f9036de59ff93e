"""A node that dies is replaced within seconds, one that leaves hands over first; either way its tasks go on."""

import threading
import time
import unittest
from typing import Dict, List

from nodes import PARTITIONS, VALID_FOR_MS, ClusterCase, ClusterNode, wait_until


class TakeOver(ClusterCase):
    arguments = ("--lease-ms", "10000")

    def work_off(self, nodes: List[ClusterNode], tasks: List[str]) -> None:
        """Until all of them are over, with a worker that goes from node to node."""

        def one_round() -> bool:
            for node in nodes:
                for step in node.poll(max_steps=50):
                    node.report(step)
            return all(nodes[0].task(task)["status"] == "complete" for task in tasks)

        wait_until("the tasks end", one_round, 60)

    def test_the_tasks_of_a_killed_node_go_on_elsewhere(self) -> None:
        victim, *others = self.cluster.nodes
        tasks = [victim.create("linear") for _ in range(20)]
        for step in victim.poll(max_steps=10):  # some are under way, some are only ready, some are held
            victim.report(step)
        held = victim.poll(max_steps=5)
        killed = time.monotonic()
        victim.kill9()
        self.cluster.wait_for_balance(["n2", "n3"])
        print(f"all partitions have an owner again {time.monotonic() - killed:.2f} s after kill -9")
        # What a worker got from the dead node is good for whoever goes on, or is given out again.
        self.assertLessEqual({others[0].report(step) for step in held}, {"accepted", "stale"})
        self.work_off(others, tasks)
        victim.start_again()
        self.cluster.wait_for_balance()

    def test_a_node_that_is_asked_to_end_hands_over_before_it_leaves(self) -> None:
        leaving, watching, other = self.cluster["n2"], self.cluster["n1"], self.cluster["n3"]
        tasks = [leaving.create("linear") for _ in range(20)]
        held = leaving.poll(max_steps=5)
        unowned: List[int] = []
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                unowned.append(watching.cluster()["partitions"]["unowned"])

        watcher = threading.Thread(target=watch)
        watcher.start()
        asked = time.monotonic()
        self.assertEqual(leaving.stop(), 0)
        gone = time.monotonic()
        self.cluster.wait_for_balance(["n1", "n3"], 5)
        balanced = time.monotonic()
        ended.set()
        watcher.join()
        print(f"left {gone - asked:.2f} s after SIGTERM; the others share everything {balanced - gone:.2f} s later")
        self.assertEqual(set(unowned), {0}, "a partition was nobody's")
        self.assertLess(balanced - gone, VALID_FOR_MS / 1000, "it was missed, not told")
        # Its workers go on with what they hold.
        self.assertEqual([other.report(step) for step in held], ["accepted"] * 5)
        self.work_off([watching, other], tasks)
        leaving.start_again()
        self.cluster.wait_for_balance()

    def test_a_new_life_is_another_node(self) -> None:
        before = self.ids()
        self.cluster["n3"].kill9()
        self.cluster["n3"].start()
        self.cluster.wait_for_balance()
        after = self.ids()
        self.assertEqual(before["n1"], after["n1"])
        self.assertNotEqual(before["n3"], after["n3"])

    def ids(self) -> Dict[str, str]:
        return {name: one["id"] for name, one in self.cluster["n1"].members().items()}

    def test_the_last_node_owns_everything(self) -> None:
        for name in ("n2", "n3"):
            self.cluster[name].kill9()
        self.cluster.wait_for_balance(["n1"])
        self.assertEqual(self.cluster["n1"].cluster()["partitions"]["owned_here"], PARTITIONS)
        task = self.cluster["n1"].create("linear")
        self.work_off([self.cluster["n1"]], [task])
        for name in ("n2", "n3"):
            self.cluster[name].start()
        self.cluster.wait_for_balance()


if __name__ == "__main__":
    unittest.main()
