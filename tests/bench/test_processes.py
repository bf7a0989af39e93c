import os
import subprocess
import sys

from bench.processes import cpu_s, pss_mb, pss_parse, stat_parse, tree

_STAT = (
    "42 (a ) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 9 9 20 0 1 0 100 200 300 4 5 6 7 8 9 0 0"
)


def test_the_name_of_a_process_may_hold_anything() -> None:
    stat = stat_parse(_STAT)
    assert stat.parent == 7
    assert stat.cpu_s == 200 / os.sysconf("SC_CLK_TCK")


def test_memory_is_read_from_the_proportional_size() -> None:
    text = "5600-7ffe ---p 00000000 00:00 0 [rollup]\nRss: 4000 kB\nPss: 2000 kB\nPss_Anon: 1 kB\n"
    assert pss_parse(text) == 2.048
    assert pss_parse("") == 0


def test_a_tree_is_a_process_and_all_that_it_started() -> None:
    inner = "import sys; print(flush=True); sys.stdin.read()"
    outer = (
        f"import subprocess, sys;subprocess.run([sys.executable, '-c', {inner!r}], stdin=sys.stdin)"
    )
    argv = [sys.executable, "-c", outer]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()  # the grandchild runs
        found = tree([child.pid])
        assert child.pid in found
        assert len(found) == 2
        assert tree([child.pid], but=found - {child.pid}) == {child.pid}
        assert pss_mb(found) > pss_mb({child.pid}) > 1
        assert cpu_s(found) > 0
        child.communicate()
    assert cpu_s(found) == 0
