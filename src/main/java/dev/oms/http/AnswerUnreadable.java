package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.quarkus.vertx.VertxOptionsCustomizer;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.metrics.MetricsOptions;
import io.vertx.core.spi.VertxMetricsFactory;
import io.vertx.core.spi.observability.HttpRequest;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Answers with a problem what cannot be read as HTTP/1.1, such as a header without a colon or a URI of 64 KiB. Vert.x
 * alone would answer with an empty body. In HTTP/2 such a request is a stream error: RFC 9113 §8.1.1.
 *
 * <p>Quarkus gives nobody its HTTP server, so this takes the first chance there is to see a connection: Vert.x tells
 * its metrics that a request begins before it looks who handles it.
 */
@ApplicationScoped
class AnswerUnreadable implements VertxOptionsCustomizer {
    private static final ObjectMapper JSON = StrictJson.mapper();

    @Override
    @SuppressWarnings("deprecation") // What replaces setFactory is a builder, which Quarkus does not expose.
    public void accept(VertxOptions options) {
        VertxMetricsFactory quarkus = options.getMetricsOptions().getFactory();
        options.setMetricsOptions(new MetricsOptions()
                .setEnabled(true)
                .setFactory(vertx -> new ForwardMetrics(quarkus.metrics(vertx), AnswerUnreadable::install)));
    }

    private static void install(HttpRequest begun) {
        if (begun instanceof HttpServerRequest request
                && request.decoderResult().isFailure()) {
            ((HttpServerConnection) request.connection()).invalidRequestHandler(AnswerUnreadable::answer);
        }
    }

    private static void answer(HttpServerRequest request) {
        Problem problem =
                switch (request.decoderResult().cause()) {
                    case TooLongHttpLineException tooLong -> Problem.of(414, "The URI is too long.");
                    case TooLongHttpHeaderException tooLong -> Problem.of(431, "The headers are too long.");
                    case null, default -> Problem.of(400, "The request is not valid HTTP.");
                };
        HttpServerResponse response = request.response();
        response.setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                .putHeader(HttpHeaders.CONTENT_ENCODING, HttpHeaders.IDENTITY)
                .putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        SecureResponses.secure(response.headers());
        // Not ended yet, which closes the connection. Until then, the HTTP server discards what is still sent.
        Buffer body = json(problem);
        response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
        response.write(body);
        Vertx.currentContext().owner().setTimer(WriteProblem.LINGER_MILLIS, expired -> {
            if (!response.closed()) {
                response.end();
            }
        });
    }

    private static Buffer json(Problem problem) {
        try {
            return Buffer.buffer(JSON.writeValueAsBytes(problem));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A problem is valid JSON", e);
        }
    }
}
