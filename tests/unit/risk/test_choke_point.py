"""Whatever leaves for a broker goes through `api.orders.sending`, which asks the gate: read off the tree, so no new path is forgotten."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SENDING = "api/orders/sending.py"
LEAVING = frozenset({"place", "replace", "cancel"})


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("api", "worker"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("api/brokers/"):  # the adapters themselves, and the sandbox that plays the broker
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def calls_of_an_adapter(tree: ast.AST) -> Iterator[ast.Attribute]:
    """``adapter.place`` and its like, called or handed on: by the name of the object, or by the port's keyword ``deadline``."""
    with_deadline = {
        id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and any(word.arg == "deadline" for word in node.keywords)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in LEAVING:
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if "adapter" in name or id(node) in with_deadline:
                yield node


def test_only_the_sender_calls_what_an_adapter_sends() -> None:
    found = {name for name, tree in modules() if any(calls_of_an_adapter(tree))}

    assert found == {SENDING}


def test_all_that_an_adapter_sends_is_found_in_the_sender() -> None:
    [tree] = [tree for name, tree in modules() if name == SENDING]

    assert {node.attr for node in calls_of_an_adapter(tree)} == LEAVING


@pytest.mark.parametrize(
    "line",
    ["await adapter.place(order)", "f(self._adapter.replace)", "gather(*(one.cancel(x, quantity=None, deadline=5.0) for one in many))"],
)
def test_a_new_path_would_be_found(line: str) -> None:
    assert list(calls_of_an_adapter(ast.parse(line)))


def test_the_worker_and_the_reconciler_have_no_sender() -> None:
    users = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "api.orders.sending" and any(a.name == "OrderSender" for a in node.names)
    }

    assert users == {"api/bootstrap.py", "api/orders/service.py"}


def test_each_way_out_of_the_sender_but_the_cancel_asks_the_gate() -> None:
    [tree] = [tree for name, tree in modules() if name == SENDING]
    ways = {
        node.name: {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and any(calls_of_an_adapter(node))
    }

    assert ways.keys() == {"send_new", "send_less", "send_price", "send_cancel"}
    assert {name for name, uses in ways.items() if not uses & {"admit_new", "_admit_change"}} == {"send_cancel"}


@pytest.mark.parametrize("broker", ["kis", "ls"])
def test_an_adapter_looks_a_last_time_right_before_it_sends(broker: str) -> None:
    tree = ast.parse((ROOT / "api/brokers" / broker / "rest.py").read_text(encoding="utf-8"))
    [repeat] = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) and node.name == "_repeat"]
    [block] = [node for node in ast.walk(repeat) if isinstance(node, ast.Try) and node.finalbody]

    assert [ast.unparse(line) for line in block.body] == ["await last_look()", "return await self._send(call, token, give_up_at)"]
