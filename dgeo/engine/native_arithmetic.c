/* Elementary functions without branches or calls, so that a loop over lanes that holds them vectorises.

   Each is right to 1 or 2 units in the last place. Numbers below the smallest normal one count as zero, as XLA holds it
   on a CPU. Polynomials interpolate at Chebyshev nodes, (exp r − 1 − r)/r² on |r| ≤ 0.35 and so on; their errors are
   below 2e-8 in single and 1e-16 in double precision. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if SINGLE
typedef float real;
typedef uint32_t bits;
typedef int32_t whole;
#define FRACTION 23      /* bits of the significand */
#define BIAS 127         /* of the exponent */
#define ROUNDER 0x1.8p23 /* added and taken away, it rounds to a whole number */
#define LOWEST -88.1     /* exp is zero below … */
#define HIGHEST 88.8     /* … and infinite above */
#define LN2_HIGH 0x1.63p-1
#define LN2_LOW -0x1.bd0105p-13
#define TWO_THIRDS 0x3f2aaaabu
#else
typedef double real;
typedef uint64_t bits;
typedef int64_t whole;
#define FRACTION 52
#define BIAS 1023
#define ROUNDER 0x1.8p52
#define LOWEST -709.0
#define HIGHEST 710.0
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define TWO_THIRDS 0x3fe5555555555555u
#endif
/* Not constants to the compiler, since the larger of x and a constant takes two instructions. */
__attribute__((visibility("hidden"))) real lowest = (real)LOWEST, highest = (real)HIGHEST;
#define INLINE static inline __attribute__((always_inline))

#if SINGLE
INLINE real real_sqrt(real x) { return sqrtf(x); }
INLINE real real_floor(real x) { return floorf(x); }
INLINE real real_ceil(real x) { return ceilf(x); }
#else
INLINE real real_sqrt(real x) { return sqrt(x); }
INLINE real real_floor(real x) { return floor(x); }
INLINE real real_ceil(real x) { return ceil(x); }
#endif
INLINE bits bits_of(real x) { return ((union { real x; bits b; }){.x = x}).b; }
INLINE real real_of(bits b) { return ((union { bits b; real x; }){.b = b}).x; }

/* The larger or smaller of two numbers, NaN if one is: one instruction where b is NaN whenever a is. */
INLINE real larger_safe(real a, real b) { return a > b ? a : b; }
INLINE real smaller_safe(real a, real b) { return a < b ? a : b; }
INLINE real larger(real a, real b) { real found = a > b ? a : b; return a != a ? a : found; }
INLINE real smaller(real a, real b) { real found = a < b ? a : b; return a != a ? a : found; }

/* exp x = 2ⁿ·exp r with x = n·ln 2 + r: gives exp r − 1, and 2ⁿ. Infinite from 2^(BIAS + ½) on. */
INLINE real exp_parts(real x, real *scale) {
    x = smaller_safe(highest, larger_safe(lowest, x));
    real shifted = x * (real)1.4426950408889634 + (real)ROUNDER;
    real n = shifted - (real)ROUNDER;
    real r = x - n * (real)LN2_HIGH - n * (real)LN2_LOW;
    *scale = real_of((bits_of(shifted) - bits_of((real)ROUNDER) + BIAS) << FRACTION);
#if SINGLE
    real p = 1.3926927e-3f;
    p = p * r + 8.3637739e-3f;
    p = p * r + 4.1666550e-2f;
    p = p * r + 1.6666573e-1f;
    p = p * r + 0.5f;
#else
    real p = 2.51013469283503402e-8;
    p = p * r + 2.76213386691429238e-7;
    p = p * r + 2.75572664186123037e-6;
    p = p * r + 2.48015186413959936e-5;
    p = p * r + 1.98412698643805133e-4;
    p = p * r + 1.38888889189391678e-3;
    p = p * r + 8.3333333333297935e-3;
    p = p * r + 4.16666666666206386e-2;
    p = p * r + 0.166666666666666675;
    p = p * r + 0.500000000000000113;
#endif
    return p * r * r + r;
}

INLINE real real_exp(real x) {
    real scale, part = exp_parts(x, &scale);
    return (part + 1) * scale;
}

INLINE real real_expm1(real x) {
    real scale, part = exp_parts(x, &scale);
    real found = part * scale + (scale - 1);
    return x > (real)(HIGHEST - 1) ? (real)INFINITY : found;
}

/* of x > 0; log x = e·ln 2 + log(1 + f), with ⅔ ≤ 1 + f < 4/3 */
INLINE real log_of_positive(real x) {
    bits shifted = bits_of(x) - TWO_THIRDS;
    real e = (real)((whole)shifted >> FRACTION);
    real f = real_of((shifted & (((bits)1 << FRACTION) - 1)) + TWO_THIRDS) - 1;
#if SINGLE
    real p = -1.2125581e-1f;
    p = p * f + 1.3425750e-1f;
    p = p * f - 1.2346190e-1f;
    p = p * f + 1.4118310e-1f;
    p = p * f - 1.6670141e-1f;
    p = p * f + 2.0003780e-1f;
    p = p * f - 2.4999988e-1f;
    p = p * f + 3.3333320e-1f;
    real square = f * f;
    real found = (p * f * square + (e * (real)LN2_LOW - square * 0.5f)) + f;
#else
    real s = f / (2 + f), z = s * s;
    real p = 0.136291107218612683;
    p = p * z + 0.132070800820693628;
    p = p * z + 0.153890021251657285;
    p = p * z + 0.181817342464003218;
    p = p * z + 0.222222230916411409;
    p = p * z + 0.285714285670146171;
    p = p * z + 0.400000000000085251;
    p = p * z + 0.66666666666666664;
    real half = f * f * 0.5; /* 2s = f − s·f, and s·f = f²/2 − s·f²/2 */
    real found = f - (half - (s * (half + p * z) + e * (real)LN2_LOW));
#endif
    found = e * (real)LN2_HIGH + found;
    return x < (real)INFINITY ? found : x;
}

INLINE real real_log(real x) {
    real found = log_of_positive(x);
    return x > 0 ? found : x == 0 ? -(real)INFINITY : (real)NAN;
}

/* log(1 + x): what 1 + x loses by rounding is put back */
INLINE real real_log1p(real x) {
    real u = 1 + x, lost = x - (u - 1);
    real found = real_log(u) + lost / u;
    return u == (real)INFINITY || u == 0 ? real_log(u) : found;
}

INLINE real real_logistic(real x) { return 1 / (1 + real_exp(-x)); }

INLINE real real_tanh(real x) {
    real size = x < 0 ? -x : x;
    real part = real_expm1(2 * (size > 20 ? 20 : size));
    part = part / (part + 2);
    return x < 0 ? -part : x > 0 ? part : x;
}

INLINE real sign_of(real x) { return x > 0 ? (real)1 : x < 0 ? (real)-1 : x; }
INLINE real size_of(real x) { return x < 0 ? -x : x == 0 ? 0 : x; }
