"""The audit's chain, from the command line: verify it, sign its head, prune what is older than two years."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import chain


class Command(BaseCommand):
    help = "verify the audit's chain of hashes, sign its head, or prune entries older than two years"

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser(
            "verify", help="hold every entry against the chain; exit status 1 if anything is wrong"
        )
        verify.add_argument(
            "--head", metavar="HASH", help="the chain must contain this hash, noted down elsewhere before"
        )
        acts.add_parser("head", help="sign the head of the chain and print its number and hash, to be kept elsewhere")
        acts.add_parser("prune", help="remove entries older than two years; the rest can still be verified")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["act"]:
            case "verify":
                self._verify(options["head"])
            case "head":
                made = chain.checkpoint()
                self.stdout.write(f"{made.number} {made.hash}" if made else "The audit is empty.")
            case "prune":
                self.stdout.write(f"{chain.prune()} entries removed.")

    def _verify(self, head: str | None) -> None:
        verdict = chain.verify()
        for flaw in verdict.flaws:
            self.stderr.write(str(flaw))
        if head and not chain.contains(head):
            raise CommandError(f"The chain does not contain {head}: it was cut short or made anew.")
        if not verdict.stands:
            raise CommandError(f"{len(verdict.flaws)} flaws in {verdict.entries} entries.")
        self.stdout.write(f"{verdict.entries} entries, none changed, missing, moved or added. Head: {verdict.head}")
