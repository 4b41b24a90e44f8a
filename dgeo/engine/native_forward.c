/* All days, forward. */

typedef struct {
    Lanes still[STILL + 1], fixed[MARCH_FIXED + 1], track[2][STATES], series[SERIES], outputs[DAILY + 1];
    real shared[SHARED + 1], uniform[MARCH_UNIFORM + 1];
} Block;

static void march_span(Run *run, Block *block, long span) {
    const long start = span * SPAN, end = start + SPAN < run->days ? start + SPAN : run->days;
    take_still(run, block->still);
    march_fixed(block->shared, block->uniform, block->still, block->fixed);
    (span ? take_ends : take_states)(run, block->track[start & 1]);
    if (run->out[OUTPUTS - 1]) keep_states(run, span, block->track[start & 1]);
    for (long day = start; day < end; day++) {
        take_series(run, day, block->series);
        march(block->shared, block->uniform, block->still, block->fixed, block->track[day & 1], block->series,
              block->track[~day & 1], block->outputs);
        give_outputs(run, day, block->outputs);
    }
    give_ends(run, block->track[end & 1]);
}

static int march_all(Run *run) {
    Block *block = aligned_alloc(64, (sizeof(Block) + 63) / 64 * 64);
    if (!block) return 0;
    take_shared(run, block->shared);
    march_uniform(block->shared, block->uniform);
    for (long span = 0; span * SPAN < run->days; span++)
        for (run->first = 0; run->first < run->sites; run->first += SITES) march_span(run, block, span);
    free(block);
    return 1;
}
