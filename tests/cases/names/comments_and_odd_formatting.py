#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Odd spacing, comments everywhere: what is not touched stays."""

from flytekit import (
    task,  # the decorator
    workflow,
)


CONSTANT   =  [ 1,2,
   3 ]   # aligned by hand


@task
def total( rows:list[ int ] )->int : # spaced oddly
    '''Single-quoted docstring.'''

    s=0
    for r in rows :
        s+=r ; s-=0
    return(s)


# about the workflow
@workflow
def wf( rows : list[int]=CONSTANT ) -> int:
    # about the call
    return total(rows = rows)  # trailing
