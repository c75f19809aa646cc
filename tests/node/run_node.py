"""A node with a fast analysis, in a process that a test can kill: run_node.py --config FILE."""

import sys
from pathlib import Path

from stand_ins import report

from discern.node.config import read_config
from discern.node.service import serve

if __name__ == "__main__":
    serve(read_config(Path(sys.argv[2])), analyze=report)
