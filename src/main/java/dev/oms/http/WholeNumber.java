package dev.oms.http;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import java.io.IOException;
import java.util.regex.Pattern;

/**
 * Reads a whole number that is written as a number, {@code 2}, or in a string, {@code "2"}, as Rails' clients and forms
 * write it. In a string it looks as it does in JSON: no space, plus sign, leading zero, fraction or exponent.
 */
class WholeNumber extends StdScalarDeserializer<Long> {
    private static final long serialVersionUID = 1L;

    private static final Pattern DIGITS = Pattern.compile("-?+(?:0|[1-9][0-9]*+)");

    WholeNumber() {
        super(Long.class);
    }

    /** A whole number that a long cannot hold. Unlike Jackson's own exception, it knows where in the body it was. */
    static final class TooLarge extends MismatchedInputException {
        private static final long serialVersionUID = 1L;

        private TooLarge(JsonParser parser) {
            super(parser, "too large", Long.class);
        }
    }

    @Override
    public Long deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            try {
                return parser.getLongValue();
            } catch (InputCoercionException e) {
                throw new TooLarge(parser);
            }
        }
        if (parser.currentToken() == JsonToken.VALUE_STRING
                && DIGITS.matcher(parser.getText()).matches()) {
            try {
                return Long.valueOf(parser.getText());
            } catch (NumberFormatException e) {
                throw new TooLarge(parser);
            }
        }
        return (Long) context.handleUnexpectedToken(Long.class, parser);
    }
}
