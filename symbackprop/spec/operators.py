"""Which of Python's operators and expressions a spec has, and what to write instead of the rest."""

from __future__ import annotations

import ast

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
NO_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.BitXor: ("^", "a power is written **"),
    ast.FloorDiv: ("//", "use / for division"),
    ast.Mod: ("%", "indices and numbers have no remainder here"),
    ast.LShift: ("<<", "use * and **"),
    ast.RShift: (">>", "use / and **"),
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
NO_EXPRESSION: dict[type[ast.expr], tuple[str, str]] = {
    ast.BoolOp: ("'and' and 'or' combine no masks", "use & and |, with comparisons in brackets"),
    ast.IfExp: ("'if … else' chooses no entries", "write where(condition, a, b)"),
    ast.Lambda: ("a lambda is no expression of a spec", "write a statement for each step"),
    ast.NamedExpr: ("':=' is no expression of a spec", "give the part a statement of its own"),
    ast.JoinedStr: ("an f-string is no expression of a spec", "write numbers, names and calls"),
    ast.ListComp: ("a comprehension is no expression of a spec", "write an index statement"),
    ast.SetComp: ("a comprehension is no expression of a spec", "write an index statement"),
    ast.DictComp: ("a comprehension is no expression of a spec", "write an index statement"),
    ast.GeneratorExp: ("a comprehension is no expression of a spec", "write sum[i](…)"),
    ast.Dict: ("a mapping is no expression of a spec", "write numbers, names and calls"),
    ast.Set: ("a set is no expression of a spec", "use round brackets"),
    ast.Starred: ("'*' spreads no list", "write the arguments one by one"),
    ast.Await: ("'await' is no expression of a spec", "delete it"),
    ast.Yield: ("'yield' is no expression of a spec", "delete it"),
    ast.YieldFrom: ("'yield' is no expression of a spec", "delete it"),
    ast.Slice: ("':' takes no slice", "write an index statement: y[n] = x[n, 0]"),
}
