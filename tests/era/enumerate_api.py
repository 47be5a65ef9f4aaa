# Python 2.7 runs this file too, and whatever a strange module raises is an answer.
# ruff: noqa
"""Writes down every public name of the TensorFlow and Keras that this interpreter has. Runs on Python 2.7 and 3.

usage: python enumerate_api.py OUT.tsv [--only-keras]

One line a name: dotted name, kind, signature or remark, and for functions and classes the first name of the same object. Kinds:
    m  module whose members are all listed       o  module that exists, members not listed
    n  like m, but it cannot be imported from: an attribute only, or another module of the same name is imported
    g k w N  function, class, value, module that is an attribute of its module, but that `from MODULE import` does not find
    i  module that can be imported, but is no attribute of its parent until it is      I  the same, members listed
    d  like i, but no attribute even then: TensorFlow took it away again
    c  class      C  class whose members are all listed      a  member of such a class      A  attribute of an instance
    f  function   v  value      K F V  class, function, value below a module of kind I
    x  a name that `dir` shows and `getattr` refuses (the remark says how)      U  the same, but it can be imported
The first line names the versions. `build_tables.py` folds the files of many versions into rules/tables/api.
"""

from __future__ import print_function

import importlib
import inspect
import os
import sys
import types

LEAKED = ("absolute_import", "division", "print_function", "unicode_literals")
#: Modules of another name that were public under this one before TensorFlow generated its API packages (1.4 or so).
ADOPTED = ("rnn_cell", "seq2seq", "flags")
CLASSES = """
tensorflow.Tensor tensorflow.Variable tensorflow.Graph tensorflow.Operation tensorflow.TensorShape tensorflow.Session
tensorflow.InteractiveSession tensorflow.GradientTape tensorflow.SparseTensor tensorflow.DType tensorflow.Dimension
tensorflow.data.Dataset tensorflow.data.Iterator tensorflow.data.TFRecordDataset tensorflow.data.TextLineDataset
tensorflow.train.Saver tensorflow.train.Optimizer tensorflow.train.AdamOptimizer tensorflow.train.GradientDescentOptimizer
tensorflow.train.MomentumOptimizer tensorflow.train.RMSPropOptimizer tensorflow.train.AdagradOptimizer
tensorflow.train.Supervisor tensorflow.train.Coordinator tensorflow.train.Checkpoint tensorflow.train.CheckpointManager
tensorflow.train.ExponentialMovingAverage tensorflow.train.SummaryWriter tensorflow.summary.FileWriter
tensorflow.python_io.TFRecordWriter tensorflow.io.TFRecordWriter
tensorflow.keras.Model tensorflow.keras.Sequential tensorflow.keras.models.Model tensorflow.keras.models.Sequential
tensorflow.keras.layers.Layer tensorflow.keras.optimizers.Optimizer tensorflow.keras.optimizers.Adam
tensorflow.keras.optimizers.SGD tensorflow.keras.optimizers.RMSprop
tensorflow.keras.preprocessing.image.ImageDataGenerator tensorflow.keras.preprocessing.text.Tokenizer
tensorflow.compat.v1.Tensor tensorflow.compat.v1.Variable tensorflow.compat.v1.Graph tensorflow.compat.v1.Operation
tensorflow.compat.v1.TensorShape tensorflow.compat.v1.Session tensorflow.compat.v1.InteractiveSession
tensorflow.compat.v1.GradientTape tensorflow.compat.v1.SparseTensor tensorflow.compat.v1.DType
tensorflow.compat.v1.Dimension tensorflow.compat.v1.data.Dataset tensorflow.compat.v1.data.Iterator
tensorflow.compat.v1.data.TFRecordDataset tensorflow.compat.v1.data.TextLineDataset
tensorflow.compat.v1.train.Saver tensorflow.compat.v1.train.Optimizer tensorflow.compat.v1.train.AdamOptimizer
tensorflow.compat.v1.train.GradientDescentOptimizer tensorflow.compat.v1.train.MomentumOptimizer
tensorflow.compat.v1.train.RMSPropOptimizer tensorflow.compat.v1.train.AdagradOptimizer
tensorflow.compat.v1.train.Supervisor tensorflow.compat.v1.train.Coordinator
tensorflow.compat.v1.train.ExponentialMovingAverage tensorflow.compat.v1.summary.FileWriter
tensorflow.compat.v1.python_io.TFRecordWriter
tensorflow.compat.v1.keras.Model tensorflow.compat.v1.keras.Sequential tensorflow.compat.v1.keras.models.Model
tensorflow.compat.v1.keras.models.Sequential tensorflow.compat.v1.keras.layers.Layer
keras.Model keras.Sequential keras.models.Model keras.models.Sequential keras.layers.Layer keras.engine.Layer
keras.optimizers.Optimizer keras.optimizers.Adam keras.optimizers.SGD keras.optimizers.RMSprop
keras.preprocessing.image.ImageDataGenerator keras.preprocessing.text.Tokenizer
""".split()


def signature(value):
    """The parameters as Python writes them, or nothing where they cannot be read."""
    target = value
    try:
        if hasattr(inspect, "signature"):
            return str(inspect.signature(target))
        if inspect.isclass(target):
            target = target.__init__
        spec = inspect.getargspec(target)
        args = [a for a in spec.args if a not in ("self", "cls")]
        defaults = list(spec.defaults or ())
        plain = len(args) - len(defaults)
        parts = args[:plain] + ["%s=%r" % pair for pair in zip(args[plain:], defaults)]
        parts += ["*" + spec.varargs] if spec.varargs else []
        parts += ["**" + spec.keywords] if spec.keywords else []
        return "(" + ", ".join(parts) + ")"
    except Exception:  # a class of C, a lazy proxy: no signature, which is no failure
        return ""


def own_name(module):
    """The name of a module as its maker gave it, `tensorflow_core` spelled like `tensorflow`."""
    name = getattr(module, "__name__", None) or ""
    return name.replace("tensorflow_core", "tensorflow", 1) if name.startswith("tensorflow_core") else name


def is_listed(path, name):
    """True for a module whose members belong to the public API under `path`."""
    if ".python." in path or path.endswith((".python", ".src", ".compat.v1.compat", ".compat.v2.compat")):
        return False
    if path in ("tensorflow.core", "tensorflow.tools", "tensorflow.compiler", "tensorflow.tsl", "keras.api"):
        return False
    if name == path or "._api." in name or ".api." in name or name.startswith("keras._tf_keras"):
        return True
    short = path.replace("tensorflow.compat.v1.", "tensorflow.", 1).replace("tensorflow.compat.v2.", "tensorflow.", 1)
    if short.startswith("tensorflow.keras"):
        return name.split(".")[0] in ("tensorflow", "keras") and ".src." not in name
    if path.startswith("keras."):
        return path == "keras." + name.rsplit(".", 1)[-1] and name.startswith(
            ("tensorflow.", "keras_", "tensorflow_core.")
        )
    if short.count(".") == 1 or path.split(".")[-1] in ADOPTED:
        return name.startswith("tensorflow")
    return name.startswith("tensorflow_estimator")


def public(names):
    """Public names in order, without the leaked `__future__` features."""
    return sorted(n for n in set(names) if not n.startswith("_") and n not in LEAKED)


class Enumeration(object):
    """The names found so far, by dotted name."""

    def __init__(self):
        self.rows = {}
        self.objects = {}
        self.modules = {}

    def add(self, name, kind, remark="", value=None):
        """Keeps the first answer for a name."""
        remark = " ".join(str(remark).split()).replace("\t", " ")[:400]
        first = "" if value is None else self.objects.setdefault(id(value), (name, value))[0]
        self.rows.setdefault(name, (kind, remark, first))

    def module(self, path, module, parents):
        """Lists a module and what is below it; `parents` are the modules on the way, so that a circle ends."""
        try:
            names = public(list(dir(module)) + list(getattr(module, "__all__", ())))
        except Exception as error:
            self.add(path, "x", "%s: %s" % (type(error).__name__, error))
            return
        self.add(path, "m")
        self.modules[path] = module
        for name in names:
            self.attribute(path + "." + name, module, name, parents)

    def attribute(self, path, owner, name, parents):
        """Lists one attribute of a module."""
        try:
            value = getattr(owner, name)
        except BaseException as error:
            self.add(path, "x", "%s: %s" % (type(error).__name__, error))
            return
        if isinstance(value, types.ModuleType):
            if any(value is parent for parent in parents) or len(parents) > 9 or not is_listed(path, own_name(value)):
                self.add(path, "o", own_name(value))
            else:
                self.module(path, value, parents + [value])
        elif inspect.isclass(value):
            self.klass(path, value)
        elif callable(value):
            self.add(path, "f", signature(value), value)
        else:
            self.add(path, "v")

    def klass(self, path, value):
        """Lists a class, and its members where the list of classes asks for them."""
        if path not in CLASSES:
            self.add(path, "c", signature(value), value)
            return
        self.add(path, "C", signature(value), value)
        for name in public(dir(value)):
            try:
                member = getattr(value, name)
            except Exception:
                member = None
            self.add(path + "." + name, "a", signature(member) if callable(member) else "")

    def importable(self, root, folder):
        """Lists the modules that files offer, below a package's folder."""
        for where, folders, files in os.walk(folder):
            folders[:] = sorted(
                f for f in folders if "-" not in f and f not in ("__pycache__", "testdata", "include", "src")
            )
            inside = os.path.relpath(where, folder)
            dotted = root if inside == "." else root + "." + inside.replace(os.sep, ".")
            if "__init__.py" in files and dotted != root:
                self.add_importable(dotted)
            for name in sorted(files):
                if name.endswith(".py") and name != "__init__.py" and "-" not in name and not name.endswith("_test.py"):
                    self.add_importable(dotted + "." + name[:-3])

    def add_importable(self, dotted):
        """A module of a public path, unless it is known as an attribute already."""
        if any(part.startswith("_") for part in dotted.split(".")):
            return
        if dotted in self.rows:
            if self.rows[dotted][0] in "fcCv":  # the attribute hides the module of the same name
                return
            kind = self.rows[dotted][0]
            self.rows[dotted] = ("d" if kind == "x" else kind, "importable", "")
        else:
            owner, _, last = dotted.rpartition(".")
            hidden = owner in self.modules and has(self.modules[owner], last)  # `dir` of Keras 3 leaves some out
            self.add(dotted, "o" if hidden else "d" if self.is_detached(dotted) else "i")

    def is_detached(self, dotted):
        """True for a module that TensorFlow loads and then takes away from its parent, so that importing it binds nothing."""
        parent = self.rows.get(dotted.rpartition(".")[0], ("m" if dotted.count(".") == 1 else "",))[0]
        return parent == "m" and (
            dotted in sys.modules or dotted.replace("tensorflow", "tensorflow_core", 1) in sys.modules
        )


def load_submodules(name, package):
    """Imports what a Keras package holds, but for what is private or a test."""
    import pkgutil

    for found in pkgutil.walk_packages(package.__path__, name + ".", onerror=lambda name: None):
        parts = found[1][len(name) :].split(".")
        if any(
            p.startswith("_") or p in ("src", "api", "tests", "integration_test") or p.endswith("_test") for p in parts
        ):
            continue
        try:
            importlib.import_module(found[1])
        except BaseException:
            continue


def second_pass(enumeration, roots):
    """Adds what comes to light when the modules of Keras have been imported, which a plain `import keras` need not do."""
    for root, package in roots:
        real = sys.modules.get("keras._tf_keras.keras") if root == "tensorflow.keras" else package
        if real is None or not hasattr(real, "__path__") or root not in ("keras", "tensorflow.keras"):
            continue
        load_submodules(real.__name__, real)
        again = Enumeration()
        again.module(root, package, [package])
        letters = {"m": "I", "n": "I", "o": "i", "c": "K", "C": "K", "f": "F", "v": "V", "x": "x"}
        for path in sorted(again.rows):
            kind, remark, first = again.rows[path]
            known = enumeration.rows.get(path, ("", "", ""))[0]
            if known in ("", "i", "x") and kind in letters:
                enumeration.rows[path] = (letters[kind], remark, first)


def mark_unimportable(enumeration):
    """Tells the modules that can be imported under their path from those that are attributes only."""
    import pkgutil

    for path in sorted(enumeration.modules):
        if "." in path and enumeration.rows[path][0] == "m":
            for found in pkgutil.iter_modules(getattr(enumeration.modules[path], "__path__", None) or ()):
                if not found[1].startswith("_") and not found[1].endswith("_test"):
                    enumeration.add(path + "." + found[1], "i")
    for path in sorted(enumeration.rows):
        kind = enumeration.rows[path][0]
        if kind not in "mox" or "." not in path:
            continue
        try:
            module = importlib.import_module(path)
        except BaseException:
            module = None
        below = [
            n[len(path) + 1 :] for n in enumeration.rows if n.startswith(path + ".") and "." not in n[len(path) + 1 :]
        ]
        listed = [n for n in below if enumeration.rows[path + "." + n][0] in "mnNocCfv"]
        there = [n for n in listed if module is not None and has(module, n)]
        if kind == "m" and not there:
            enumeration.rows[path] = ("n",) + enumeration.rows[path][1:]
        elif kind == "m":
            for row in (path + "." + name for name in listed if name not in there):
                kind = {"f": "g", "c": "k", "C": "k", "v": "w", "m": "N", "n": "N"}.get(enumeration.rows[row][0])
                enumeration.rows[row] = (kind or enumeration.rows[row][0],) + enumeration.rows[row][1:]
        elif module is not None and "__internal__" in enumeration.rows[path][1]:
            for name in public(dir(module)):
                enumeration.add(path + "." + name, "U")


def has(module, name):
    """`hasattr` that survives whatever a lazy module raises."""
    try:
        getattr(module, name)
    except BaseException:
        return False
    return True


def instance_attributes(enumeration, tf, keras_roots):
    """What objects have that their class does not show: attributes that the constructor sets."""
    for root, keras in keras_roots:
        try:
            layers = keras.layers
            model = keras.models.Sequential()
            try:
                model.add(layers.Dense(1, input_shape=(2,)))
            except TypeError:
                model.add(layers.Dense(1, input_dim=2))
            model.compile("sgd", "mse")
            objects = [
                ("Model", model),
                ("Sequential", model),
                ("models.Model", model),
                ("models.Sequential", model),
                ("layers.Layer", model.layers[-1]),
                ("engine.Layer", model.layers[-1]),
            ]
            for name in ("Adam", "SGD", "RMSprop", "Optimizer"):
                optimizer = getattr(keras.optimizers, name if name != "Optimizer" else "SGD", None)
                objects += [("optimizers." + name, optimizer())] if optimizer is not None else []
            inputs = layers.Input(shape=(2,))
            try:
                graph = keras.models.Model(inputs, layers.Dense(1)(inputs))
            except Exception:
                graph = keras.models.Model(input=inputs, output=layers.Dense(1)(inputs))
            graph.compile("sgd", "mse")
            objects += [("Model", graph), ("models.Model", graph)]
            try:
                import numpy

                for fitted in (model, graph):
                    fitted.fit(numpy.zeros((4, 2)), numpy.zeros((4, 1)), verbose=0)
            except Exception as error:
                print("  fit:", root, type(error).__name__, str(error)[:100], file=sys.stderr)
            for name, thing in objects:
                if enumeration.rows.get(root + "." + name, ("", ""))[0] == "C":
                    for attribute in public(dir(thing)):
                        enumeration.add(root + "." + name + "." + attribute, "A")
        except Exception as error:
            print("  instances:", root, type(error).__name__, str(error)[:200], file=sys.stderr)
    if tf is not None:
        tensorflow_instances(enumeration, tf)


def tensorflow_instances(enumeration, tf):
    """The same for tensors, variables, graphs, sessions, data sets and optimizers; each edition makes its own."""
    editions = [("tensorflow.", tf)]
    if hasattr(tf, "compat") and hasattr(tf.compat, "v1"):
        editions.append(("tensorflow.compat.v1.", tf.compat.v1))
    for root, edition in editions:
        for name, maker in MAKERS:
            try:
                thing = maker(edition)
            except Exception:
                continue
            if enumeration.rows.get(root + name, ("", ""))[0] == "C" and isinstance(thing, resolve(tf, root + name)):
                for attribute in public(dir(thing)):
                    enumeration.add(root + name + "." + attribute, "A")


MAKERS = (
    ("Graph", lambda tf: tf.Graph()),
    ("Session", lambda tf: tf.Session(graph=tf.Graph())),
    ("InteractiveSession", lambda tf: tf.InteractiveSession(graph=tf.Graph())),
    ("Variable", lambda tf: tf.Variable(1.0)),
    ("Tensor", lambda tf: tf.constant(1.0)),
    ("Operation", lambda tf: tf.Graph().create_op("NoOp", [], [])),
    ("train.AdamOptimizer", lambda tf: tf.train.AdamOptimizer(0.1)),
    ("train.GradientDescentOptimizer", lambda tf: tf.train.GradientDescentOptimizer(0.1)),
    ("train.MomentumOptimizer", lambda tf: tf.train.MomentumOptimizer(0.1, 0.9)),
    ("train.RMSPropOptimizer", lambda tf: tf.train.RMSPropOptimizer(0.1)),
    ("train.AdagradOptimizer", lambda tf: tf.train.AdagradOptimizer(0.1)),
    ("train.Optimizer", lambda tf: tf.train.GradientDescentOptimizer(0.1)),
    ("train.Coordinator", lambda tf: tf.train.Coordinator()),
    ("train.ExponentialMovingAverage", lambda tf: tf.train.ExponentialMovingAverage(0.9)),
    ("train.Saver", lambda tf: tf.train.Saver([tf.Variable(1.0)])),
    ("TensorShape", lambda tf: tf.TensorShape([1])),
    ("data.Dataset", lambda tf: tf.data.Dataset.range(3)),
    ("data.Iterator", lambda tf: iter(tf.data.Dataset.range(3))),
    ("GradientTape", lambda tf: tf.GradientTape()),
)


def resolve(tf, dotted):
    """The object of a dotted name that starts with `tensorflow`."""
    value = tf
    for part in dotted.split(".")[1:]:
        value = getattr(value, part)
    return value


def main(out, only_keras):
    """Writes the enumeration of what can be imported here."""
    enumeration = Enumeration()
    roots, versions, tf = [], [], None
    try:
        import tensorflow as tf

        versions.append("tensorflow=" + tf.__version__)
    except ImportError as error:
        print("  no tensorflow:", error, file=sys.stderr)
    try:
        import keras

        versions.append("keras=" + keras.__version__)
        enumeration.module("keras", keras, [keras])  # before tf.keras is touched, which loads more of it
        roots.append(("keras", keras))
        enumeration.importable("keras", os.path.dirname(keras.__file__))
    except ImportError as error:
        print("  no keras:", error, file=sys.stderr)
    if tf is not None and not only_keras:
        getattr(getattr(tf, "contrib", None), "layers", None)  # 0.12 puts the module in place when it is first used
        enumeration.module("tensorflow", tf, [tf])
        if hasattr(tf, "keras"):
            roots.append(("tensorflow.keras", tf.keras))
        if getattr(getattr(tf, "compat", None), "v1", None) is not None and hasattr(tf.compat.v1, "keras"):
            roots.append(("tensorflow.compat.v1.keras", tf.compat.v1.keras))
    elif hasattr(tf, "keras"):
        enumeration.module("tensorflow.keras", tf.keras, [tf.keras])
        roots.append(("tensorflow.keras", tf.keras))
    instance_attributes(enumeration, tf, roots)
    if tf is not None and not only_keras:
        private = importlib.import_module("tensorflow.python")
        enumeration.importable("tensorflow", os.path.dirname(os.path.dirname(private.__file__)))
    second_pass(enumeration, roots)
    mark_unimportable(enumeration)
    with open(out, "w") as file:
        file.write("# " + " ".join(versions) + " python=%d.%d\n" % sys.version_info[:2])
        for name in sorted(enumeration.rows):
            file.write("\t".join((name,) + enumeration.rows[name]) + "\n")
    print("  %s: %d names" % (" ".join(versions), len(enumeration.rows)))


if __name__ == "__main__":
    main(sys.argv[1], "--only-keras" in sys.argv)
