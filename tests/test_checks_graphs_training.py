"""Training on nodes, right and wrong, and what learners are told."""

import pytest
import torch
import torch.nn.functional as F
from verdicts import verdict

from course_utils.checks.node_training import check_train_nodes, node_exercise


def of_training_nodes(logits, labels, train):
    return F.cross_entropy(logits[train], labels[train])


def one_step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def whole(network, features, matrix, train):
    return network(features, matrix)


def classes(network, features, matrix):
    network.eval()
    with torch.no_grad():
        return network(features, matrix).argmax(dim=1)


def written(
    before=lambda network: network.train(),
    seen=whole,
    loss=of_training_nodes,
    step=one_step,
    rounds=lambda steps: steps,
    answer=lambda network, features, matrix, labels, train: classes(network, features, matrix),
):
    """A learner's function, with one thing done differently."""

    def train_nodes(network, optimizer, features, matrix, labels, train, steps):
        before(network)
        for _ in range(rounds(steps)):
            step(optimizer, loss(seen(network, features, matrix, train), labels, train))
        return answer(network, features, matrix, labels, train)

    return train_nodes


def with_a_mask(network, optimizer, features, matrix, labels, train, steps):
    mask = torch.zeros(len(labels), dtype=torch.bool)
    mask[train] = True
    network.train()
    for _ in range(steps):
        logits = network(features, matrix)
        one_step(optimizer, F.nll_loss(logits.log_softmax(dim=1)[mask], labels[mask]))
    return classes(network, features, matrix).numpy()


def with_ignored_labels(network, optimizer, features, matrix, labels, train, steps):
    known = torch.full_like(labels, -100)
    known[train] = labels[train]
    network.train()
    for _ in range(steps):
        one_step(optimizer, F.cross_entropy(network(features, matrix), known))
    return classes(network, features, matrix).tolist()


def watching(network, optimizer, features, matrix, labels, train, steps):
    for _ in range(steps):
        network.train()
        optimizer.zero_grad()
        of_training_nodes(network(features, matrix), labels, train).backward()
        optimizer.step()
        found = classes(network, features, matrix)  # as who watches the accuracy does
    return found


def in_another_form(change, answer=classes):
    """A right answer that hands over features and matrix as `change` returns them."""

    def train_nodes(network, optimizer, features, matrix, labels, train, steps):
        given = change(network, features, matrix)
        return written(answer=lambda n, x, p, y, t: answer(n, x, p))(
            network, optimizer, *given, labels, train, steps
        )

    return train_nodes


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.parametrize(
    "answer",
    [
        written(),
        with_a_mask,
        with_ignored_labels,
        watching,
        in_another_form(lambda n, x, p: (x, p.to_sparse())),
        in_another_form(lambda n, x, p: (x, p.to_sparse_csr())),
        in_another_form(lambda n, x, p: (x.to_sparse(), p)),
        in_another_form(lambda n, x, p: (n.double() and x.double(), p.double())),
    ],
)
def test_right_training(answer):
    before = torch.get_rng_state()
    said = verdict(check_train_nodes, answer)
    assert said.startswith("Right: the whole graph is seen, the labels of the training nodes alone")
    assert torch.equal(before, torch.get_rng_state())


def test_right_answers_hold_several_classes():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)  # as the checker does
        exercise = node_exercise()
    for made in exercise.attempts(written()):
        assert len(made.value.unique()) > 1


def others(labels, train):
    return [node for node in range(len(labels)) if node not in train.tolist()]


def without_clearing(optimizer, loss):
    loss.backward()
    optimizer.step()


def cleared_late(optimizer, loss):
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()


def stands_still(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()


def of_picks(logits, labels, train):
    return F.cross_entropy(logits.argmax(dim=1)[train].float(), labels[train].float())


def share_wrong(logits, labels, train):
    return (logits.argmax(dim=1) != labels)[train].float().mean()


def without_gradients(network, features, matrix, train):
    with torch.no_grad():
        return network(features, matrix)


def cut(network, features, matrix, train):
    return network(features[train], matrix[train][:, train])


def cut_training(network, optimizer, features, matrix, labels, train, steps):
    network.train()
    for _ in range(steps):
        one_step(optimizer, F.cross_entropy(cut(network, features, matrix, train), labels[train]))
    return classes(network, features, matrix)


def hidden_features(network, features, matrix, train):
    shown = torch.zeros_like(features)
    shown[train] = features[train]
    return network(shown, matrix)


def own_optimizer(network, optimizer, features, matrix, labels, train, steps):
    own = torch.optim.Adam(network.parameters(), lr=0.01)
    return written()(network, own, features, matrix, labels, train, steps)


def before_the_last_step(network, optimizer, features, matrix, labels, train, steps):
    for _ in range(steps):
        found = classes(network, features, matrix)
        network.train()
        one_step(optimizer, of_training_nodes(network(features, matrix), labels, train))
    return found


def of_last_pass(network, optimizer, features, matrix, labels, train, steps):
    network.train()
    for _ in range(steps):
        logits = network(features, matrix)
        one_step(optimizer, of_training_nodes(logits, labels, train))
    return logits.argmax(dim=1)


def changed(network, optimizer, features, matrix, labels, train, steps):
    result = written()(network, optimizer, features, matrix, labels, train, steps)
    labels[:] = 0
    return result


def told_the_labels(network, features, matrix, labels, train):
    found = classes(network, features, matrix)
    return torch.where(found == 0, labels, found)


LEAK = "the labels of nodes that are not in train are changed, the network learns other weights"
ALL = "the loss is over all nodes, so the network also learns the labels of those"
ASLEEP = "the network learns in evaluation mode, in which dropout is off"
STILL = "the weights have not moved"
PICK = "argmax picks a class, and no gradient leads through a pick"
CUT = "nodes, so the graph is cut"
GENERIC = "the weights are not those that the given optimizer reaches in 4 steps"


def returned(change):
    return written(answer=lambda n, x, p, y, t: change(n, x, p, t))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(loss=lambda z, y, t: F.cross_entropy(z, y)), ALL),
        (written(loss=lambda z, y, t: F.cross_entropy(z[others(y, t)], y[others(y, t)])), LEAK),
        (written(loss=lambda z, y, t: F.cross_entropy(z[: len(t)], y[: len(t)])), LEAK),
        (written(loss=lambda z, y, t: F.cross_entropy(z[t], y[: len(t)])), LEAK),
        (written(loss=lambda z, y, t: F.cross_entropy(z, y, reduction="sum")), LEAK),
        (written(answer=told_the_labels), "but the classes that come back do"),
        (written(loss=lambda z, y, t: F.cross_entropy(z.softmax(dim=1)[t], y[t])), "a softmax st"),
        (written(loss=lambda z, y, t: F.nll_loss(z[t], y[t])), "nll_loss wants log-prob"),
        (
            written(loss=lambda z, y, t: F.cross_entropy(z[t], y[t], reduction="sum")),
            "the loss is summed over the training nodes",
        ),
        (written(step=without_clearing), "the gradients of earlier steps add up"),
        (written(step=cleared_late), STILL),
        (written(step=stands_still), STILL),
        (written(before=lambda network: None), ASLEEP),
        (written(before=lambda network: network.eval()), ASLEEP),
        (written(rounds=lambda steps: 1), "4 steps are asked for, and the optimizer has taken 1:"),
        (
            written(rounds=lambda steps: steps - 1),
            "4 steps are asked for, and the optimizer has taken 3:",
        ),
        (
            written(rounds=lambda steps: steps + 1),
            "4 steps are asked for, and the optimizer has taken 5:",
        ),
        (written(rounds=lambda steps: 2), GENERIC),
        (own_optimizer, GENERIC),
        (written(loss=lambda z, y, t: F.cross_entropy(z[t[:1]], y[t[:1]])), GENERIC),
        (written(loss=lambda z, y, t: F.cross_entropy(z.argmax(dim=1)[t], y[t])), PICK),
        (written(loss=of_picks), PICK),
        (written(loss=share_wrong), "the loss has no gradient. " + PICK),
        (written(seen=without_gradients), "the network runs under no_grad while it should learn"),
        (written(loss=lambda z, y, t: F.cross_entropy(z[t], y)), "index both alike"),
        (written(loss=lambda z, y, t: F.cross_entropy(z, y[t])), "index both alike"),
        (cut_training, "the network is given 4 of the 8 " + CUT),
        (written(seen=cut), "the network is given 4 of the 8 " + CUT),
        (written(seen=lambda n, x, p, t: n(x[t], p)), "the network is given 4 of the 8 " + CUT),
        (written(seen=hidden_features), "the network sees other features than those"),
        (written(seen=lambda n, x, p, t: n(p @ x, p)), "the network sees other features than"),
        (written(seen=lambda n, x, p, t: n(x)), "the network runs without the matrix"),
        (written(seen=lambda n, x, p, t: n(x, p @ p)), "the network is given another matrix"),
        (written(seen=lambda n, x, p, t: n(x, p[t])), "train_nodes stops with RuntimeError"),
        (written(seen=lambda n, x, p, t: n.first(x)), GENERIC),
        (
            written(seen=lambda n, x, p, t: n.first(x), answer=lambda n, x, p, y, t: y * 0),
            "the network never runs: network(features, matrix) gives the logits.",
        ),
        (changed, "train_nodes changes its argument labels"),
        (before_the_last_step, "the classes come from a pass before the last step"),
        (of_last_pass, "the classes come from a pass before the last step"),
        (
            returned(lambda n, x, p, t: n(x, p).argmax(dim=1)),
            "the classes come from a pass in training mode",
        ),
        (returned(lambda n, x, p, t: n.eval()(x, p)), "these are logits, or made of them"),
        (returned(lambda n, x, p, t: n.eval()(x, p).softmax(dim=1)), "these are logits, or made"),
        (returned(lambda n, x, p, t: n.eval()(x, p).argmax(dim=0)), "argmax goes along the wrong"),
        (returned(lambda n, x, p, t: classes(n, x, p)[t]), "only the 4 training nodes have a cl"),
        (returned(lambda n, x, p, t: classes(n, x, p)[1:]), "a class for each of the 8 nodes"),
        (returned(lambda n, x, p, t: n.eval()(x, p).argmin(dim=1)), "train_nodes returns ["),
        (returned(lambda n, x, p, t: n), "what train_nodes returns is of the type WatchedGCN"),
        (returned(lambda n, x, p, t: None), "train_nodes returns None"),
        (returned(lambda n, x, p, t: n.missing), "train_nodes stops with AttributeError"),
        (lambda network: network, "must take the arguments network, optimizer, features, matrix"),
        (None, "train_nodes is no function"),
    ],
)
def test_wrong_training(answer, words):
    assert words in verdict(check_train_nodes, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda *arguments: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_train_nodes, answer).startswith("Not attempted yet: ")
