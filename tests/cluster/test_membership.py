"""Who is in the cluster and who owns what: nodes that join, drain and come back; what the API and the command line show of it."""

import json
import subprocess
import unittest

from nodes import BINARY, PARTITIONS, ClusterCase, ClusterNode, refused_with, wait_until


class Membership(ClusterCase):
    def shares(self) -> "dict[str, int]":
        return {name: one["partitions"] for name, one in self.cluster["n1"].members().items()}

    def command(self, words: str, output: str = "json") -> "subprocess.CompletedProcess[str]":
        return subprocess.run([BINARY, "--url", self.cluster["n2"].url, "--output", output, "cluster", *words.split()],
                              capture_output=True, text=True, timeout=30, check=False)

    def test_three_nodes_share_all_partitions(self) -> None:
        self.cluster.wait_for_rest()
        for node in self.cluster.nodes:
            shown = node.cluster()
            self.assertEqual(shown["node"]["name"], node.name)
            self.assertEqual(shown["partitions"]["total"], PARTITIONS)
            self.assertEqual(shown["partitions"]["unowned"], 0)
            members = node.members()
            self.assertEqual({name: one["partitions"] for name, one in members.items()}, self.shares())
            self.assertEqual(shown["partitions"]["owned_here"], members[node.name]["partitions"])
            self.assertEqual({name: one["state"] for name, one in members.items()}, dict.fromkeys(members, "active"))
            self.assertEqual({name: one["link"] for name, one in members.items()},
                             {name: "self" if name == node.name else "up" for name in members})
            self.assertEqual({one["url"] for one in members.values()}, set(self.cluster.urls()))
        for share in self.shares().values():  # rendezvous hashing is fair, not exact
            self.assertGreater(share, PARTITIONS // 3 * 0.6)
            self.assertLess(share, PARTITIONS // 3 * 1.5)

    def test_a_node_that_joins_gets_its_share_and_gives_it_back(self) -> None:
        with ClusterNode("n4", self.cluster.database.url) as fourth:
            self.cluster.nodes.append(fourth)
            self.addCleanup(self.cluster.nodes.remove, fourth)
            before = self.shares()
            seconds = self.cluster.wait_for_balance()
            print(f"four nodes share the partitions after {seconds:.2f} s; before: {before}, now: {self.shares()}")
            self.assertEqual(fourth.stop(), 0)
            self.cluster.wait_for_balance(["n1", "n2", "n3"])

    def test_a_drained_node_owns_nothing_until_that_is_taken_back(self) -> None:
        for name in ("n3", self.cluster["n3"].members()["n3"]["id"]):
            self.cluster["n1"].call("POST", "/v1/cluster/drain", {"node": name})
            wait_until("it owns nothing", lambda: self.shares().get("n3") == 0 and sum(self.shares().values()) == PARTITIONS, 20)
            wait_until("the others see it", lambda: self.cluster["n2"].members()["n3"]["state"] == "draining", 10)
            self.assertEqual(self.cluster["n3"].get("/health/live") is not None, True)
            task = self.cluster["n3"].create("one")  # it goes on to serve
            step = self.cluster["n3"].poll(wait_ms=5000)[0]
            self.assertEqual(step["task_uuid"], task)
            self.assertEqual(self.cluster["n3"].report(step), "accepted")
            self.cluster["n1"].call("POST", "/v1/cluster/undrain", {"node": name})
            self.cluster.wait_for_balance()

    def test_a_node_that_nobody_knows_can_not_be_drained(self) -> None:
        self.assertEqual(refused_with(lambda: self.cluster["n1"].call("POST", "/v1/cluster/drain", {"node": "nobody"})), 404)
        self.assertEqual(refused_with(lambda: self.cluster["n1"].call("POST", "/v1/cluster/drain", {})), 400)
        self.assertNotEqual(self.command("drain nobody").returncode, 0)

    def test_rebalancing_a_balanced_cluster_changes_nothing(self) -> None:
        before = self.shares()
        self.assertEqual(self.cluster["n1"].call("POST", "/v1/cluster/rebalance", {})["nodes"], 3)
        self.cluster.wait_for_balance()
        self.assertEqual(self.shares(), before)

    def test_the_command_line_shows_and_does_the_same(self) -> None:
        shown = self.command("status")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual({one["name"] for one in json.loads(shown.stdout)["nodes"] if one["state"] != "gone"}, {"n1", "n2", "n3"})
        table = self.command("status", "table").stdout
        for node in self.cluster.nodes:
            self.assertIn(node.name, table)
            self.assertIn(node.url, table)
        self.assertEqual(self.command("drain n1").returncode, 0)
        wait_until("n1 owns nothing", lambda: self.shares().get("n1") == 0, 20)
        self.assertEqual(self.command("undrain n1").returncode, 0)
        self.assertEqual(self.command("rebalance").returncode, 0)
        self.cluster.wait_for_balance()


if __name__ == "__main__":
    unittest.main()
