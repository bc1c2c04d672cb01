package dev.oms.http;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.Attribute;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.HttpPostMultipartRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Prepares bodies for JAX-RS, which reads JSON only. An absent body counts as absent JSON, whatever its type.
 *
 * <p>The type of a {@code GET} is ignored, as its body is.
 *
 * <p>Turns the body of a form, {@code application/x-www-form-urlencoded} or {@code multipart/form-data}, into the JSON
 * that it stands for, before a resource sees it. So one parser applies every rule. {@link CollectBody} has limited the
 * body by then.
 *
 * @see RailsParameters
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7578">RFC 7578, multipart/form-data</a>
 */
@ApplicationScoped
class PrepareBodies {
    /** In memory, never in files. */
    private static final DefaultHttpDataFactory IN_MEMORY = new DefaultHttpDataFactory(false, StandardCharsets.UTF_8);

    /** And ASCII, a part of it. */
    private static final Set<Charset> UTF8 = Set.of(StandardCharsets.UTF_8, StandardCharsets.US_ASCII);

    /** {@link RailsParameters} limits the number of fields, {@link CollectBody} their size. */
    private static final int UNLIMITED = -1;

    private final WriteProblem writeProblem;

    PrepareBodies(WriteProblem writeProblem) {
        this.writeProblem = writeProblem;
    }

    void install(@Observes Filters filters) {
        filters.register(this::read, FilterOrder.PREPARE_BODIES.priority());
    }

    private void read(RoutingContext call) {
        if (call.request().method().equals(HttpMethod.GET)) {
            // JAX-RS would fail on a type that it cannot parse where it has two methods to choose from (GET /events).
            call.request().headers().remove(HttpHeaders.CONTENT_TYPE);
            call.next();
            return;
        }
        String contentType = call.request().getHeader(HttpHeaders.CONTENT_TYPE);
        // Most bodies are JSON.
        boolean isJson = contentType != null && contentType.startsWith("application/json");
        if (!isJson) {
            Buffer body = call.body().buffer();
            try {
                // Without fields a form has no body.
                read(call, contentType, body == null ? Buffer.buffer() : body);
            } catch (ProblemException e) {
                writeProblem.write(call, e.problem());
                return;
            }
        }
        call.next();
    }

    private static void read(RoutingContext call, String contentType, Buffer body) {
        String type = contentType == null ? "" : contentType.split(";", 2)[0];
        switch (type.strip().toLowerCase(Locale.ROOT)) {
            case "application/x-www-form-urlencoded" ->
                setJson(call, urlencoded(body).toJson());
            case "multipart/form-data" ->
                setJson(call, multipart(contentType, body).toJson());
            default -> {
                if (body.length() == 0) {
                    call.request().headers().set(HttpHeaders.CONTENT_TYPE, "application/json");
                }
            }
        }
    }

    /** Replaces the body of a call. */
    static void setJson(RoutingContext call, byte[] json) {
        ((RoutingContextInternal) call).setBody(Buffer.buffer(json));
        call.request().headers().set(HttpHeaders.CONTENT_TYPE, "application/json");
    }

    private static RailsParameters urlencoded(Buffer body) {
        RailsParameters parameters = new RailsParameters();
        RailsParameters.decode(body.toString(StandardCharsets.UTF_8), parameters::add);
        return parameters;
    }

    private static RailsParameters multipart(String contentType, Buffer body) {
        if (body.length() == 0) {
            return new RailsParameters();
        }
        String boundary = boundaryOf(contentType);
        String text = body.toString(StandardCharsets.ISO_8859_1);
        // Without the last delimiter, parts are missing, and Netty does not tell.
        if (boundary == null || !text.stripTrailing().endsWith("--" + boundary + "--")) {
            throw ProblemException.malformed("The multipart/form-data body is incomplete, or has no boundary.");
        }
        HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST.toNetty(), "/");
        head.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        HttpPostMultipartRequestDecoder decoder =
                new HttpPostMultipartRequestDecoder(IN_MEMORY, head, StandardCharsets.UTF_8, UNLIMITED, UNLIMITED);
        try {
            decoder.offer(new DefaultLastHttpContent(Unpooled.wrappedBuffer(body.getBytes())));
            List<InterfaceHttpData> parts = decoder.getBodyHttpDatas();
            // Nor does it tell of a part that it cannot read, such as one in UTF-16.
            if (parts.size() != delimiter(boundary).matcher(text).results().count()) {
                throw ProblemException.malformed("A part of the multipart/form-data body cannot be read.");
            }
            return parametersOf(parts);
        } catch (DecoderException | IllegalArgumentException | IOException e) {
            throw ProblemException.malformed("The body is not valid multipart/form-data.");
        } finally {
            decoder.destroy();
        }
    }

    /** What a part begins with. */
    private static Pattern delimiter(String boundary) {
        return Pattern.compile("(?:^|\\n)--" + Pattern.quote(boundary) + "[ \\t]*+\\r?\\n");
    }

    /** Returns null when there is none. */
    private static String boundaryOf(String contentType) {
        try {
            return MediaType.valueOf(contentType).getParameters().get("boundary");
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static RailsParameters parametersOf(List<InterfaceHttpData> parts) throws IOException {
        RailsParameters parameters = new RailsParameters();
        for (InterfaceHttpData part : parts) {
            if (!(part instanceof Attribute attribute)) {
                throw ProblemException.invalid(Texts.shorten(part.getName(), 100), "is a file; files are not accepted");
            }
            if (!UTF8.contains(attribute.getCharset())) {
                throw ProblemException.malformed(
                        "A part is not in UTF-8: '%s'.".formatted(Texts.shorten(attribute.getName(), 50)));
            }
            parameters.add(
                    RailsParameters.requireUtf8(attribute.getName()),
                    RailsParameters.requireUtf8(attribute.getValue()));
        }
        return parameters;
    }
}
