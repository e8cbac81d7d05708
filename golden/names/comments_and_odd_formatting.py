#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Odd spacing, comments everywhere: what is not touched stays."""

import flyte

env = flyte.TaskEnvironment(name="comments_and_odd_formatting")
driver = flyte.TaskEnvironment(
    name="comments_and_odd_formatting-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


CONSTANT   =  [ 1,2,
   3 ]   # aligned by hand


@env.task
def total( rows:list[ int ] )->int : # spaced oddly
    '''Single-quoted docstring.'''

    s=0
    for r in rows :
        s+=r ; s-=0
    return(s)


# about the workflow
@driver.task
async def wf( rows : list[int]=CONSTANT ) -> int:
    # about the call
    return await total.aio(rows = rows)  # trailing
