"""A rubric with every key of the format, after the example of the design."""

DESIGN = """\
name: support-reply
version: 1.0.0
purpose: Who needs this and what success means for the user.
owner: support-quality
outcome: {name: reopened within 7 days, column: reopened_7d, good_when: lower, lag_days: 7}
inputs:
  input: The customer's message
  output: The reply being graded
  context: {description: Policy excerpts, required: false}
instructions: Optional guidance, the same words for judge and human raters.
criteria:
  - name: resolves
    question: Does the reply solve the customer's problem?
    scale: binary            # binary | ordinal | categorical | numeric
    levels:
      pass: Names the fix and it applies to this customer
      fail: Anything else
    weight: 2
    gate: true
    allow_not_applicable: true
    evidence: output
    target: 0.95
    severity: high
    from: {code: wrong-fix, items: [t-0007, t-0031]}
  - name: tone
    question: How does it sound?
    scale: ordinal
    pass_at: "2"
    levels:
      - {label: "1", score: 0.0, description: Rude}
      - {label: "2", score: 0.5, description: Flat}
      - {label: "3", score: 1.0, description: Warm}
  - name: topic
    question: What is it about?
    scale: categorical
    levels:
      billing: Money
      login: Access
      other:
  - name: completeness
    question: How complete is it?
    scale: numeric
    range: [0, 10]
    pass_at: 7
aggregate: weighted_mean
threshold: 0.7
allow_abstain: true
examples:
  - item: {input: Help, output: Press it}
    labels: {resolves: pass, tone: 2, topic: cannot_tell, completeness: 7}
    explanation: It names the fix.
"""
