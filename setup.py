"""Tells setuptools which packages there are; all the rest stands in pyproject.toml."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages(include=["tfguard", "tfguard.*"], exclude=["*__pycache__*"]),
        "tfguard.rules",
        *(f"tfguard.rules.{family}" for family in find_namespace_packages("rules", exclude=["*__pycache__*"])),
    ]
)
