"""Predicts with the package nasbench301 alone, one genotype at a time.

Run by the interpreter that has the package: PYTHON predict_directly.py SCRIPT FOLDER ... with
genotypes as JSON on stdin. For each folder: predictions without noise, and 200 of the first
genotype with noise.
"""

import importlib.util
import json
import sys

CONCAT = [2, 3, 4, 5]


def main():
    """Print what the ensembles in the folders predict."""
    specification = importlib.util.spec_from_file_location("worker_script", sys.argv[1])
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    answers = script.take_stdout()
    script.import_package()

    import nasbench301
    from nasbench301.representations import Genotype

    genotypes = []
    for parts in json.load(sys.stdin):
        normal, reduce = ([tuple(edge) for edge in parts[p]] for p in ("normal", "reduce"))
        genotypes.append(Genotype(normal, CONCAT, reduce, CONCAT))
    result = {}
    for folder in sys.argv[2:]:
        ensemble = nasbench301.load_ensemble(folder)

        def predict(genotype, noise, ensemble=ensemble):
            return float(ensemble.predict(genotype, "genotype", with_noise=noise))

        result[folder] = {
            "means": [predict(genotype, False) for genotype in genotypes],
            "noisy": [predict(genotypes[0], True) for _ in range(200)],
        }
    script.say(answers, result)


if __name__ == "__main__":
    main()
