#!/usr/bin/env bash
# Written by `make lock` from requirements.in; do not edit.
pip install --no-deps pandas-plink==2.3.2
