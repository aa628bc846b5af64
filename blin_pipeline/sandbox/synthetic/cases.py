"""Every case that can be planted, in the order in which a small registry gets them."""

from __future__ import annotations

from blin_pipeline.sandbox.synthetic import (
    edges,
    edges_infusion,
    faults_dates,
    faults_infusion,
    faults_records,
    faults_values,
    traps,
    traps_consent,
)

CASES = (
    *edges_infusion.SCARCE_CASES,
    *traps.CASES,
    *traps_consent.CASES,
    *faults_dates.CASES,
    *faults_records.CASES,
    *faults_infusion.CASES,
    *faults_values.CASES,
    *edges_infusion.CASES,
    *edges.CASES,
)
