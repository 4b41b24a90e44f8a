/* All days in reverse: each span is marched once more from the state before it, and what was
   costly to compute is kept on a tape. */

typedef struct {
    Lanes still[STILL + 1], march_fixed[MARCH_FIXED + 1], pull_fixed[PULL_FIXED + 1];
    Lanes track[SPAN + 1][STATES], series[SPAN][SERIES], given[DAILY + 1];
    Lanes tape[SPAN][TAPE + 1];
    Lanes slopes[2][STATES], sums[SUMS + 1], moving[MOVING + 1];
    real shared[SHARED + 1], march_uniform[MARCH_UNIFORM + 1], pull_uniform[PULL_UNIFORM + 1];
    double shares[SHARES + 1];
} Block;

static void pull_span(Run *run, Block *block, long span) {
    const long start = span * SPAN, end = start + SPAN < run->days ? start + SPAN : run->days;
    take_still(run, block->still);
    march_fixed(block->shared, block->march_uniform, block->still, block->march_fixed);
    pull_fixed(block->shared, block->pull_uniform, block->still, block->pull_fixed);
    take_kept(run, span, block->track[0]);
    for (long day = start; day < end; day++) {
        take_series(run, day, block->series[day - start]);
        march(block->shared, block->march_uniform, block->still, block->march_fixed, block->track[day - start],
              block->series[day - start], block->track[day - start + 1], block->tape[day - start]);
    }
    (end == run->days ? take_end_slopes : take_slopes)(run, block->slopes[end & 1]);
    memset(block->sums, 0, sizeof block->sums);
    for (long day = end - 1; day >= start; day--) {
        take_given(run, day, block->given);
        pull(block->shared, block->pull_uniform, block->still, block->pull_fixed, block->track[day - start],
             block->series[day - start], block->slopes[~day & 1], block->given, block->slopes[day & 1], block->sums,
             block->moving, block->tape[day - start]);
        give_moving(run, day, block->moving);
    }
    give_slopes(run, block->slopes[start & 1]);
    add_sums(run, block->sums, block->shares);
}

static int march_all(Run *run) {
    Block *block = aligned_alloc(64, (sizeof(Block) + 63) / 64 * 64);
    if (!block) return 0;
    take_shared(run, block->shared);
    march_uniform(block->shared, block->march_uniform);
    pull_uniform(block->shared, block->pull_uniform);
    memset(block->shares, 0, sizeof block->shares);
    clear_sums(run);
    for (long span = (run->days - 1) / SPAN; span >= 0; span--)
        for (run->first = 0; run->first < run->sites; run->first += SITES) pull_span(run, block, span);
    give_shares(run, block->shares);
    free(block);
    return 1;
}
