package dev.oms.http;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Pattern;

/** Settings of what OMS keeps in Redis. */
@ConfigMapping(prefix = "oms.redis")
public interface RedisConfig {
    /**
     * The beginning of every key. Two installations that share a Redis database need different ones; otherwise they
     * take each other's jobs.
     */
    @WithDefault("oms")
    @Pattern(regexp = "[A-Za-z0-9_.:{}-]{1,64}", message = "must be 1 to 64 letters, digits, braces or any of _ - . :")
    String prefix();

    /** The full name of a key. */
    default String key(String name) {
        return prefix() + ":" + name;
    }
}
