"""The derivation as one HTML page that needs nothing else: mathematics, picture, code and fonts.

    View ─repetition, folding─▶ sections ─mathematics─▶ equations ─┐
    module's text ─listing─▶ functions, joined by number ──────────┼─template─▶ page
    forward lines ─graph, layering─▶ picture ──────────────────────┘

`page.page` collects what the template prints; `front` is what stands before the equations,
`example` what stands around worked numbers. Formulas are set when the page is made, in classes
whose style sheet and fonts the page carries; what its script does is to join equations and code,
to unfold, and to remember the reader's choice of light or dark.
"""
