"""The process that builds and runs kernels, on the other side of a pipe.

Nothing that a kernel does may hurt the campaign, so no kernel runs in the campaign's own process.
`harness.sandbox` starts this folder as a script; it imports Warp once, builds Warp's precompiled header once,
and then forks a child for every batch. The child may crash, hang or scribble over its memory: it reports
each step before it takes it, so that its parent can say which program was at fault.

The package imports the standard library, NumPy and Warp only, since it may run under another interpreter with
another Warp. What crosses the pipe are length-prefixed pickles of plain built-in values; an array travels
as its bytes.

A CUDA context does not survive a fork. With `--in-process` the batch runs in this very process, which is
then as expendable as a child: the frames go straight to the sandbox, which starts a new worker after a crash.
"""
