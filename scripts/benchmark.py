"""How long a training step takes, and what bounds it. All variants are timed in turns, in one run.

The addition network: our step (collapsed forward pass, stacked AdamW) against the same network in
TransformerLens, against the plain full-sequence form, and against its floor: the time of the
step's matrix products alone. The regression network: ten stacked seeds against one, in parts.

By hand, about two minutes on an idle core:
    python scripts/benchmark.py --output /tmp/benchmark.csv
"""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mechanics import config as study
from mechanics.device import choose_device
from mechanics.models import addition, regression
from mechanics.models.lens import to_lens
from mechanics.seeds import generator
from mechanics.settings import ConfigError, read_settings
from mechanics.tasks import modular_addition
from mechanics.tasks.linear_regression import squared_errors, stack_prompts
from mechanics.training.checkpoint import atomic, write_tensors
from mechanics.training.curriculum import learning_rate
from mechanics.training.objectives import LinearRegression, architecture, initialise
from mechanics.training.optimiser import AdamW, flatten, unflatten
