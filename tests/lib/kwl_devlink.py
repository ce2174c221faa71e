# SPDX-License-Identifier: GPL-2.0-only
"""devlink as a test sees it: what it shows, parsed, and what it refuses."""

from kwl_sys import run, run_json


class Devlink:
    """The devlink instance of the DUT."""

    def __init__(self, env):
        self.name = f"pci/{env.pci}"

    def run(self, *words, check=True):
        """`devlink WORDS...`; "DEV" stands for the instance and what begins with "DEV/" for a part of it."""
        return run(["devlink", *(self._place(str(word)) for word in words)], check=check)

    def _place(self, word):
        return self.name + word[3:] if word == "DEV" or word.startswith("DEV/") else word

    def json(self, *words):
        """The same, with its output parsed."""
        return run_json(["devlink", "-j", *(self._place(str(word)) for word in words)])

    def refused(self, *words):
        """A command that must fail; its error text, or "" if it succeeded."""
        done = self.run(*words, check=False)
        return done.stderr if done.returncode else ""

    def info(self):
        """`devlink dev info`."""
        return self.json("dev", "info", "DEV")["info"][self.name]

    def ports(self):
        """`devlink port show` of this instance, {number: attributes}."""
        shown = self.json("port", "show")["port"]
        return {int(name.rsplit("/", 1)[1]): port for name, port in shown.items()
                if name.startswith(self.name + "/")}

    def resources(self):
        """`devlink resource show`, {name: (size, occupied)}."""
        return {one["name"]: (one["size"], one["occ"])
                for one in self.json("resource", "show", "DEV")["resources"][self.name]}

    def health(self, reporter):
        """`devlink health show` of a reporter."""
        return self.json("health", "show", "DEV", "reporter", reporter)["health"][self.name][0]

    def rates(self):
        """`devlink port function rate show`, {number: attributes}."""
        shown = self.json("port", "function", "rate", "show")["rate"]
        return {int(name.rsplit("/", 1)[1]): rate for name, rate in shown.items()
                if name.startswith(self.name + "/")}

    def registers(self, snapshot, offset):
        """A register of a snapshot of the region."""
        done = self.run("region", "read", "DEV/registers", "snapshot", snapshot, "address", offset, "length", 4)
        octets = done.stdout.split()[1:5]
        return int.from_bytes(bytes.fromhex("".join(octets)), "little")
