/* The days of a run, block of lanes by block of lanes. A lane is a component of a site; a block holds all components of
   SITES sites and is filled up to LANES lanes with copies. All blocks march SPAN days before any goes on, so that the
   series in memory are read and written from one end to the other; what happens within these days stays in the cache.
   The state before each span is kept for the gradient, which marches the span again and then walks it in reverse. */

typedef real Lanes[LANES];

typedef struct {
    long sites, days, first;    /* of all, and the first site of this block */
    const real *in[INPUTS + 1]; /* as they lie outside: [day, site, component, number] */
    real *out[OUTPUTS + 1];
} Run;

INLINE long at(const Run *run, long day, int width, int size) { return (day * run->sites + run->first) * width * size; }
INLINE long held(const Run *run) { return run->sites - run->first < SITES ? run->sites - run->first : SITES; }

INLINE void fill_up(int size, Lanes *to) {
    for (int k = 0; k < size; k++)
        for (int l = SITES * COMPONENTS; l < LANES; l++) to[k][l] = to[k][SITES * COMPONENTS - 1];
}

/* Lanes of the last block that no site fills: copies of its last one. */
static __attribute__((noinline)) void take_few(const real *from, int count, int size, Lanes *to) {
    for (int k = 0; k < size; k++)
        for (int l = 0; l < SITES * COMPONENTS; l++) to[k][l] = from[(l < count ? l : count - 1) * size + k];
}

INLINE void take_lane(const Run *run, const real *from, long day, int size, Lanes *to) {
    from += at(run, day, COMPONENTS, size);
    if (held(run) < SITES)
        take_few(from, (int)held(run) * COMPONENTS, size, to);
    else
        for (int k = 0; k < size; k++)
            for (int l = 0; l < SITES * COMPONENTS; l++) to[k][l] = from[l * size + k];
    fill_up(size, to);
}

INLINE void take_site(const Run *run, const real *from, long day, int size, Lanes *to) {
    const int last = (int)held(run) - 1;
    from += at(run, day, 1, size);
    for (int k = 0; k < size; k++)
        for (int s = 0; s < SITES; s++) {
            const real x = from[(s < last ? s : last) * size + k];
#pragma GCC unroll 1 /* else it becomes as many stores of one number */
            for (int c = 0; c < COMPONENTS; c++) to[k][s * COMPONENTS + c] = x;
        }
    fill_up(size, to);
}

/* The sum of some numbers, pair by pair. */
INLINE real total(const real *x, int count) {
    real part[LANES];
    for (int i = 0; i < count; i++) part[i] = x[i];
    for (int n = count; n > 1; n = (n + 1) / 2)
        for (int i = 0; i < n / 2; i++) part[i] += part[i + (n + 1) / 2];
    return part[0];
}

/* The sum over the components of each site: of neighbours while their number is even, then of what is left. */
INLINE void summed(const real *x, real *sums) {
    enum { HALVINGS = COMPONENTS % 2 ? 0 : COMPONENTS % 4 ? 1 : COMPONENTS % 8 ? 2 : COMPONENTS % 16 ? 3 : 4 };
    enum { LEFT = COMPONENTS >> HALVINGS };
    real pairs[LANES / 2], fours[LANES / 4], eights[LANES / 8], rest[LANES / 16];
    for (int i = 0; i < LANES / 2; i++) pairs[i] = x[2 * i] + x[2 * i + 1];
    for (int i = 0; i < LANES / 4; i++) fours[i] = pairs[2 * i] + pairs[2 * i + 1];
    for (int i = 0; i < LANES / 8; i++) eights[i] = fours[2 * i] + fours[2 * i + 1];
    for (int i = 0; i < LANES / 16; i++) rest[i] = eights[2 * i] + eights[2 * i + 1];
    const real *levels[] = {x, pairs, fours, eights, rest};
    for (int s = 0; s < SITES; s++) {
        real sum = levels[HALVINGS][s * LEFT];
        for (int i = 1; i < LEFT; i++) sum += levels[HALVINGS][s * LEFT + i];
        sums[s] = sum;
    }
}

INLINE void give_lane(const Run *run, Lanes *from, long day, int size, real *to) {
    const int count = (int)held(run) * COMPONENTS;
    to += at(run, day, COMPONENTS, size);
    for (int k = 0; k < size; k++)
        for (int l = 0; l < count; l++) to[l * size + k] = from[k][l];
}

INLINE void give_site(const Run *run, Lanes *from, long day, int size, real *to) {
    const int count = (int)held(run);
    to += at(run, day, 1, size);
    for (int k = 0; k < size; k++) {
        real sums[SITES];
        summed(from[k], sums);
        for (int s = 0; s < count; s++) to[s * size + k] = sums[s];
    }
}

INLINE void add_lane(const Run *run, Lanes *from, long day, int size, real *to) {
    const int count = (int)held(run) * COMPONENTS;
    to += at(run, day, COMPONENTS, size);
    for (int k = 0; k < size; k++)
        for (int l = 0; l < count; l++) to[l * size + k] += from[k][l];
}

INLINE void add_site(const Run *run, Lanes *from, long day, int size, real *to) {
    const int count = (int)held(run);
    to += at(run, day, 1, size);
    for (int k = 0; k < size; k++) {
        real sums[SITES];
        summed(from[k], sums);
        for (int s = 0; s < count; s++) to[s * size + k] += sums[s];
    }
}

INLINE void add_shared(const Run *run, Lanes *from, int size, double *to) {
    const int count = (int)held(run) * COMPONENTS;
    for (int k = 0; k < size; k++) to[k] += total(from[k], count);
}

/* What the processor does with numbers below the smallest normal one: nothing, until `normal`. */
INLINE uint64_t flush(void) {
#if defined(__SSE2__)
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1 << 24));
    return before;
#else
    return 0;
#endif
}

INLINE void normal(uint64_t before) {
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

INLINE XLA_FFI_Error *failed(const XLA_FFI_Api *api, const char *message) {
    XLA_FFI_Error_Create_Args told = {sizeof told, NULL, message, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED};
    return api->XLA_FFI_Error_Create(&told);
}

static int march_all(Run *run);

/* The function that XLA calls; it asks first for which version of its interface this was made. */
XLA_FFI_Error *dgeo_native(XLA_FFI_CallFrame *frame) {
    if (frame->extension_start && frame->extension_start->type == XLA_FFI_Extension_Metadata) {
        XLA_FFI_Metadata *told = ((XLA_FFI_Metadata_Extension *)frame->extension_start)->metadata;
        told->api_version.major_version = XLA_FFI_API_MAJOR;
        told->api_version.minor_version = XLA_FFI_API_MINOR;
        told->traits = 0;
        return NULL;
    }
    Run run = {0};
    for (int i = 0; i < INPUTS; i++) run.in[i] = ((XLA_FFI_Buffer *)frame->args.args[i])->data;
    for (int i = 0; i < frame->rets.size; i++) run.out[i] = ((XLA_FFI_Buffer *)frame->rets.rets[i])->data;
    run.sites = ((XLA_FFI_Buffer *)frame->args.args[A_STATE])->dims[0];
    run.days = ((XLA_FFI_Buffer *)frame->args.args[A_SERIES])->dims[0];
    uint64_t before = flush();
    int done = march_all(&run);
    normal(before);
    return done ? NULL : failed(frame->api, "dgeo: no memory for a block of lanes");
}
