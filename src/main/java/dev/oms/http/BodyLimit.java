package dev.oms.http;

/**
 * How large the bodies of one path may be. A package produces one for each of its paths whose bodies may be larger than
 * {@link #DEFAULT_BYTES}; anything larger is answered with 413.
 *
 * @param path the path, such as {@code /orders}, without parameters
 * @param maxBytes the largest body, in bytes
 */
public record BodyLimit(String path, int maxBytes) {
    /**
     * The limit of all other paths. The largest body there has two texts of {@link Texts#NAME_MAX} characters, each of
     * which JSON may escape to six bytes: some 3 KiB.
     */
    static final int DEFAULT_BYTES = 8 << 10;
}
