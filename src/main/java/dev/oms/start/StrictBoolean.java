package dev.oms.start;

import jakarta.annotation.Priority;
import java.util.Locale;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * Refuses a setting that is neither true nor false, where MicroProfile Config takes all that it does not know for
 * false.
 *
 * @see <a
 *     href="https://download.eclipse.org/microprofile/microprofile-config-3.1/microprofile-config-spec-3.1.html#_built_in_converters">MicroProfile
 *     Config, built-in converters</a>, whose words for true these are
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
            default -> throw new IllegalArgumentException("it is neither true nor false");
        };
    }
}
