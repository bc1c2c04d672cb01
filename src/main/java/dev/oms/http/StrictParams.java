package dev.oms.http;

import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.ext.ParamConverter;
import jakarta.ws.rs.ext.ParamConverterProvider;
import jakarta.ws.rs.ext.Provider;
import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Rejects an invalid path or query parameter with a 400 that names it. JAX-RS alone would answer 404 without an
 * explanation.
 */
@Provider
public class StrictParams implements ParamConverterProvider {
    /** As in JSON: one way to write each number, in ASCII's digits. */
    private static final Pattern WHOLE_NUMBER = Pattern.compile("0|-?+[1-9][0-9]*+");

    /** A whole number that a long cannot hold. */
    private static final class TooLarge extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;
    }

    @Override
    public <T> ParamConverter<T> getConverter(Class<T> type, Type genericType, Annotation[] annotations) {
        if (type == Long.class || type == long.class) {
            return new Strict<>(nameIn(annotations), "a whole number", value -> cast(parseLong(value)));
        }
        if (type.isEnum()) {
            T[] constants = type.getEnumConstants();
            return new Strict<>(
                    nameIn(annotations),
                    "one of " + Arrays.toString(constants),
                    value -> Arrays.stream(constants)
                            .filter(constant -> constant.toString().equals(value))
                            .findFirst()
                            .orElseThrow(IllegalArgumentException::new));
        }
        if (type == Boolean.class || type == boolean.class) {
            return new Strict<>(nameIn(annotations), "true or false", value -> switch (value) {
                case "true" -> cast(true);
                case "false" -> cast(false);
                default -> throw new IllegalArgumentException();
            });
        }
        return null;
    }

    private static Long parseLong(String value) {
        if (!WHOLE_NUMBER.matcher(value).matches()) {
            throw new IllegalArgumentException();
        }
        try {
            return Long.valueOf(value);
        } catch (NumberFormatException e) {
            throw new TooLarge();
        }
    }

    @SuppressWarnings("unchecked") // A converter for a primitive type returns its wrapper class.
    private static <T> T cast(Object value) {
        return (T) value;
    }

    private static String nameIn(Annotation[] annotations) {
        for (Annotation annotation : annotations) {
            if (annotation instanceof PathParam path) {
                return path.value();
            }
            if (annotation instanceof QueryParam query) {
                return query.value();
            }
        }
        return "a parameter";
    }

    private record Strict<T>(String name, String expected, Function<String, T> parse) implements ParamConverter<T> {
        @Override
        public T fromString(String value) {
            try {
                return parse.apply(value);
            } catch (TooLarge e) {
                throw ProblemException.malformed(
                        "%s is too large a number: '%s'.".formatted(name, Texts.shorten(value, 50)));
            } catch (IllegalArgumentException e) {
                throw ProblemException.malformed(
                        "%s must be %s, not '%s'.".formatted(name, expected, Texts.shorten(value, 50)));
            }
        }

        @Override
        public String toString(T value) {
            return value.toString();
        }
    }
}
