package dev.oms.access;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;

/** Settings for how much callers may ask for. */
@ConfigMapping(prefix = "oms.access")
public interface AccessConfig {
    /** The highest rate that a key may have, in units a second. */
    int RATE_MAX = 1_000_000;

    /**
     * The units that a key without a rate of its own may use a second, and at once. A call costs one; an audit costs
     * more.
     */
    @WithDefault("2000")
    @Min(1)
    @Max(RATE_MAX)
    int rate();

    /** The same for a key that is bound to a user. */
    @WithDefault("20")
    @Min(1)
    @Max(RATE_MAX)
    int customerRate();

    /** See {@link LastUses}. */
    LastUsesConfig lastUses();

    /** Settings for {@link LastUses}. */
    interface LastUsesConfig {
        /** How often the times are stored, or off. */
        String every();
    }
}
