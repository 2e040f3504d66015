"""What zoo.py keeps outside the tree: environments, models with inputs and outputs, and what is known of a binary."""
import hashlib
import json
import os
import shutil
import subprocess

MAKERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoo_models")
# Maker of models, its environment, the files it consists of besides.
SOURCES = {"from_brevitas.py": ("torch", ["settled.py", "own_networks.py"]),
           "from_torchvision.py": ("torch", ["settled.py"]),
           "from_keras.py": ("tensorflow", []),
           "from_larq.py": ("tensorflow", ["from_keras.py"]),
           "from_hgq.py": ("keras", ["from_keras.py"])}
EXECUTORS = {"qonnx": "torch", "onnxruntime": "torch", "TFLite reference kernels": "tensorflow"}  # environment of each
PYTHON = "python3.11"  # the packages have wheels for it


def digest(*paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(file.read())
    return total.hexdigest()[:16]


def read(path):
    """What a file says; nothing where there is none."""
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


class Cache:
    def __init__(self, folder):
        self.folder, self.models = folder, os.path.join(folder, "models")
        os.makedirs(self.models, exist_ok=True)

    def model(self, name):
        return os.path.join(self.models, name)

    def python(self, environment):
        """The interpreter of an environment with just what its requirements name."""
        requirements = os.path.join(MAKERS, f"{environment}.txt")
        folder = os.path.join(self.folder, "environments", environment)
        python, stamp = os.path.join(folder, "bin", "python"), os.path.join(folder, "made")
        wanted = digest(requirements)
        if read(stamp) != wanted:
            print(f"installs {requirements} into {folder}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([PYTHON, "-m", "venv", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
            write(stamp, wanted)
        return python

    def called(self, environment, *arguments):
        """What a script of zoo_models prints; what it complains of is in the log."""
        call = [self.python(environment), os.path.join(MAKERS, arguments[0]), *arguments[1:]]
        variables = {**os.environ, "OMP_NUM_THREADS": "1"}
        with open(os.path.join(self.folder, "log.txt"), "a") as log:
            return subprocess.run(call, stdout=subprocess.PIPE, stderr=log, text=True, env=variables).stdout

    def names(self):
        """Of all models; without a package installed, since names need none."""
        self.maker = {}
        for maker in SOURCES:
            listed = subprocess.run([PYTHON, "-c", LISTED, MAKERS, maker.removesuffix(".py")], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout
            self.maker.update({name: maker for name in listed.split()})
        return list(self.maker)

    def recipe(self, name):
        """A digest of all that decides what the model is."""
        environment, others = SOURCES[self.maker[name]]
        return digest(*(os.path.join(MAKERS, file) for file in
                        (self.maker[name], "drawn.py", f"{environment}.txt", *others)))

    def make(self, names, images):
        """Makes what is missing or out of date, and the executor's outputs."""
        for maker, (environment, _) in SOURCES.items():
            stale = [name for name in names if self.maker[name] == maker
                     and read(os.path.join(self.model(name), "recipe")) != self.recipe(name)]
            for name in stale:
                shutil.rmtree(self.model(name), ignore_errors=True)
            if stale:
                print(f"makes {len(stale)} models by {maker}", flush=True)
                self.called(environment, maker, self.models, *stale)
            for name in stale:
                if os.path.isdir(self.model(name)):
                    write(os.path.join(self.model(name), "recipe"), self.recipe(name))
        for environment in sorted(set(EXECUTORS.values())):
            folders = [self.model(name) for name in names
                       if EXECUTORS.get(about(self.model(name)).get("executor")) == environment]
            if folders:
                print(f"runs the executors of {len(folders)} models in the environment {environment}", flush=True)
                self.called(environment, "execute.py", str(images), *folders)


# A maker's names, without its imports: of its own package only drawn.py, which needs NumPy.
LISTED = """
import sys, types
sys.modules["drawn"] = types.SimpleNamespace(make_all=None)
sys.path.insert(0, sys.argv[1])
print(*__import__(sys.argv[2]).names())
"""


def about(folder):
    text = read(os.path.join(folder, "about.json"))
    return json.loads(text) if text else {}


class Known:
    """What one binary did with each model: a file of facts a model, and an array of outputs an engine."""

    def __init__(self, cache, binary):
        self.folder = os.path.join(cache.folder, "known", digest(binary))
        self.cache = cache
        os.makedirs(self.folder, exist_ok=True)

    def facts(self, name):
        """What is known of the model as it is now."""
        folder = self.cache.model(name)
        of = digest(*(os.path.join(folder, file) for file in ("about.json", "input.npy", about(folder)["model"])))
        text = read(os.path.join(self.folder, f"{name}.json"))
        facts = json.loads(text) if text else {}
        return facts if facts.get("of") == of else {"of": of, "engines": {}}

    def keep(self, name, facts):
        write(os.path.join(self.folder, f"{name}.json"), json.dumps(facts, indent=1))

    def outputs(self, name, engine):
        """Where the outputs of an engine are."""
        return os.path.join(self.folder, f"{name}.{engine}.npy")
