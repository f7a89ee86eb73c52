"""The public names of pingze, with the module of each.

Type checkers read this file, and `__init__.py` imports a name from its module on first use.
"""

from pingze.automaton import Automaton as Automaton
from pingze.composing.checking import check as check
from pingze.composing.collecting import Collected as Collected
from pingze.composing.couplets import Couplet as Couplet
from pingze.composing.couplets import couplet as couplet
from pingze.composing.desk import Alternative as Alternative
from pingze.composing.desk import alternatives as alternatives
from pingze.composing.desk import collect as collect
from pingze.composing.desk import compose as compose
from pingze.composing.desk import fill as fill
from pingze.composing.desk import revise as revise
from pingze.composing.explaining import Reason as Reason
from pingze.composing.explaining import explain as explain
from pingze.composing.finding import Found as Found
from pingze.composing.finding import FoundTexts as FoundTexts
from pingze.composing.finding import find as find
from pingze.composing.generation import generate as generate
from pingze.composing.judging import SheetVerdict as SheetVerdict
from pingze.composing.judging import Want as Want
from pingze.composing.mending import Change as Change
from pingze.composing.mending import Mended as Mended
from pingze.composing.mending import Swap as Swap
from pingze.composing.mending import mend as mend
from pingze.composing.poem import Poem as Poem
from pingze.composing.reading import read_poem as read_poem
from pingze.composing.sheet import Sheet as Sheet
from pingze.composing.terms.antithesis import antithesis_notes as antithesis_notes
from pingze.errors import CheckpointError as CheckpointError
from pingze.errors import CorpusError as CorpusError
from pingze.errors import InfeasibleError as InfeasibleError
from pingze.errors import InputError as InputError
from pingze.errors import MissingExtraError as MissingExtraError
from pingze.errors import PingzeError as PingzeError
from pingze.errors import TrainingError as TrainingError
from pingze.errors import UnfinishedError as UnfinishedError
from pingze.verse.scansion import explain_verdict as explain_verdict
from pingze.verse.suggestions import suggest_swaps as suggest_swaps
from pingze.verse.verdict import Verdict as Verdict
from pingze.verse.verdict import Violation as Violation

__version__: str
