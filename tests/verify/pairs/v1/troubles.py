"""Workflows that do not end well."""

import os
import sys
import time

from flytekit import Secret, current_context, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException


@task
def die(n: int) -> int:
    print("about to die")
    sys.stdout.flush()
    os._exit(n)
    return n


@task
def hang(n: int) -> int:
    time.sleep(60 * n)
    return n


@task(secret_requests=[Secret(group="registry", key="token")])
def ask(n: int) -> str:
    return current_context().secrets.get(group="registry", key="token") * n


@task(secret_requests=[Secret(group="store", key="token")])
def ask_in_vain(n: int) -> str:
    return current_context().secrets.get(group="store", key="token") * n


@task
def lend(n: int) -> int:
    import no_such_package

    return no_such_package.lend(n)


@task
def here(n: int) -> str:
    assert os.listdir() == []
    assert "flyte-bridge-verify-" in os.environ["HOME"]
    return str(n)


@task
def leave(n: int) -> int:
    sys.exit(n)
    return n


@task
def triple(n: int) -> int:
    return n * 3


@workflow
def dies(n: int = 7) -> int:
    return die(n=n)


@workflow
def hangs(n: int = 1) -> int:
    return hang(n=n)


@workflow
def asks(n: int = 2) -> str:
    return ask(n=n)


@workflow
def asks_in_vain(n: int = 2) -> str:
    return ask_in_vain(n=n)


@workflow
def lends(n: int = 2) -> int:
    return lend(n=n)


@workflow
def stays_home(n: int = 2) -> str:
    return here(n=n)


@workflow
def leaves(n: int = 3) -> int:
    return leave(n=n)


@workflow
def dies_on_flyte_2(n: int = 3) -> int:
    return triple(n=n)


@workflow
def lost(n: int = 3) -> int:
    return triple(n=n)


@task(retries=3)
def retry(n: int) -> int:
    if not os.path.exists("tried"):
        open("tried", "w").close()
        raise FlyteRecoverableException("once more")
    return n


@task
def browse(n: int) -> int:
    from urllib.request import urlopen

    # nothing listens on port 1
    return len(urlopen("http://127.0.0.1:1/").read()) + n


@workflow
def retries(n: int = 3) -> int:
    return retry(n=n)


@workflow
def browses(n: int = 3) -> int:
    return browse(n=n)


@workflow
def last(n: int = 4) -> int:
    return triple(n=n)
