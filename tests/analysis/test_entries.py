"""Where programs start: what frameworks for command lines run, by executing the analysis on whole projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, run_fix, write_files

HEAD = "import tensorflow as tf\n"
DRAW = "    print(tf.random.normal([2]))\n"
GUARD = "\nif __name__ == '__main__':\n"
COMMANDS = "COMMANDS = {'train': train, 'test': print}\n"
CLASS = f"class Cli:\n    def train(self):\n    {DRAW}"

PROGRAMS = {
    "click": f"import click\n@click.command()\n@click.option('--x')\ndef main(x):\n{DRAW}{GUARD}    main()\n",
    "click, no guard": f"import click\n@click.command()\ndef main(x):\n{DRAW}",
    "click group": f"import click\n@click.group()\ndef cli(): pass\n@cli.command()\ndef f():\n{DRAW}{GUARD}    cli()\n",
    "typer": f"import typer\napp = typer.Typer()\n@app.command()\ndef train(x: int):\n{DRAW}{GUARD}    app()\n",
    "typer.run": f"import typer\ndef train():\n{DRAW}{GUARD}    typer.run(train)\n",
    "hydra": f"import hydra\n@hydra.main(config_path='conf')\ndef main(cfg):\n{DRAW}{GUARD}    main()\n",
    "fire": f"import fire\ndef train():\n{DRAW}{GUARD}    fire.Fire(train)\n",
    "fire, a table": f"import fire\ndef train():\n{DRAW}{GUARD}    fire.Fire({{'train': train}})\n",
    "fire, a class": f"import fire\n{CLASS}{GUARD}    fire.Fire(Cli)\n",
    "fire, an object": f"import fire\n{CLASS}{GUARD}    fire.Fire(component=Cli())\n",
    "fire, the module": f"from fire import Fire\ndef train():\n{DRAW}{GUARD}    Fire()\n",
    "absl": f"from absl import app\ndef main(argv):\n{DRAW}{GUARD}    app.run(main)\n",
    "absl, lambda": f"from absl import app\ndef main():\n{DRAW}{GUARD}    app.run(lambda argv: main())\n",
    "tf.app": f"def main(_):\n{DRAW}{GUARD}    tf.compat.v1.app.run()\n",
    "tf.app, its own module": f"from tensorflow.python.platform import app\ndef main(_):\n{DRAW}\napp.run()\n",
    "a table of functions": f"import sys\ndef train():\n{DRAW}{COMMANDS}{GUARD}    COMMANDS[sys.argv[1]]()\n",
    "a table, get": f"def train():\n{DRAW}{COMMANDS}{GUARD}    run = COMMANDS.get(KEY)\n    run()\n",
    "partial": f"from functools import partial\ndef train(x):\n{DRAW}{GUARD}    run = partial(train, 1)\n    run()\n",
    "arguments": f"def train(args):\n{DRAW}{GUARD}    parser = make()\n    parser.set_defaults(func=train)\n",
}

NO_PROGRAMS = {
    "a function": f"def train():\n{DRAW}",
    "a table that nobody uses": f"def train():\n{DRAW}{COMMANDS}{GUARD}    print(len(COMMANDS))\n",
    "a partial that nobody calls": f"from functools import partial\ndef f(x):\n{DRAW}{GUARD}    run = partial(f, 1)\n",
    "unittest": f"import unittest\nclass T(unittest.TestCase):\n    def t(self): pass\n{GUARD}    unittest.main()\n",
    "pytest": f"import pytest\n@pytest.fixture\ndef x():\n{DRAW}\ndef test(x):\n    pass\n",
    "another decorator": f"import lib\n@lib.route('/')\ndef index():\n{DRAW}{GUARD}    lib.serve()\n",
    "another fire": f"import lib\ndef train():\n{DRAW}{GUARD}    lib.Fire()\n",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program_starts_here(text: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": HEAD + text})
    assert len(run_check(tmp_path, select=["TFG101"]).findings) == 1


@pytest.mark.parametrize("text", NO_PROGRAMS.values(), ids=NO_PROGRAMS.keys())
def test_no_program_starts_here(text: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": HEAD + text})
    assert not run_check(tmp_path, select=["TFG101"]).findings


def test_command_of_an_imported_file_is_seeded_when_it_runs(tmp_path: Path) -> None:
    train = f'import tensorflow as tf\nimport click\n\n\n@click.command()\ndef main():\n    """Train."""\n{DRAW}'
    write_files(tmp_path, {"train.py": train, "other.py": "import train\n\nprint(train.main)\n"})
    run_fix(tmp_path, select=["TFG101"])
    seeded = '    """Train."""\n    tf.keras.utils.set_random_seed(42)\n\n    print('
    assert seeded in (tmp_path / "train.py").read_text()
    assert not run_check(tmp_path, select=["TFG101"]).findings
