package dev.oms.start;

import jakarta.annotation.Priority;
import java.util.Locale;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * Rejects a boolean setting that is neither true (or on) nor false (or off). MicroProfile Config reads any unknown word
 * as false.
 *
 * @see <a
 *     href="https://download.eclipse.org/microprofile/microprofile-config-3.1/microprofile-config-spec-3.1.html#_built_in_converters">MicroProfile
 *     Config, built-in converters</a>: the words for true are the same
 */
@Priority(1000)
public class StrictBoolean implements Converter<Boolean> {
    private static final long serialVersionUID = 1L;

    @Override
    public Boolean convert(String value) {
        return switch (value.strip().toLowerCase(Locale.ROOT)) {
            case "true", "yes", "y", "on", "1" -> true;
            case "false", "no", "n", "off", "0" -> false;
            case "" -> null;
            default -> throw new IllegalArgumentException("it is neither true (or on) nor false (or off)");
        };
    }
}
