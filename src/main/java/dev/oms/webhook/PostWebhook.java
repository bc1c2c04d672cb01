package dev.oms.webhook;

import dev.oms.http.Causes;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.TooLongFrameException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.HostAndPort;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.tracing.TracingPolicy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Posts a message to a receiver, over HTTP/1.1, and never fails: whatever happens is an {@link Outcome}.
 *
 * <ul>
 *   <li>It connects to the addresses that it is given, in turn, and resolves nothing. The name in the URL is what the
 *       certificate must be for, the name that TLS indicates (SNI), and the header {@code Host}.
 *   <li>Limits: 5 s to connect, 5 s for the handshake of TLS, 15 s for all, 8 KB of headers, 16 KB of the answer.
 *       Beyond a limit the connection is dropped.
 *   <li>The status decides: 2xx is a success, however its body ends. Redirects are not followed.
 *   <li>Connections are kept for 4 s, and used for one URL only. Receivers on Node close theirs after 5 s, and a
 *       request that meets the end of its connection is in doubt. It is sent once more at once, over a new connection:
 *       receivers know a repetition by its {@code webhook-id}.
 *   <li>No proxy, no cookies, no compression, no trace headers.
 * </ul>
 *
 * <p>Vert.x's client rather than {@code java.net.http}: only with Vert.x can the address to connect to be given beside
 * the name. The other resolves the name itself, so that a second answer could lead elsewhere, and lets nobody set
 * {@code Host}. Vert.x also needs no thread for each connection or answer.
 */
@ApplicationScoped
class PostWebhook {
    private static final Logger LOG = Logger.getLogger(PostWebhook.class);

    static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    static final Duration TIMEOUT = Duration.ofSeconds(15);
    static final int RESPONSE_MAX_BYTES = 16_384;

    private static final int RESPONSE_KEPT_CHARACTERS = 1_000;
    private static final int HEADERS_MAX_BYTES = 8_192;
    private static final int KEEP_ALIVE_SECONDS = 4;

    /** For each URL. The dispatcher limits each endpoint. */
    private static final int CONNECTIONS_MAX = 1_000;

    /** RFC 9110 §10.2.3: seconds, here up to a billion. */
    private static final String SECONDS = "\\d{1,9}";

    private final Vertx vertx;
    private final HttpClient client;
    private final Clock clock;
    private final String userAgent;
    private final Duration timeout;

    @Inject
    PostWebhook(Vertx vertx, Clock clock, @ConfigProperty(name = "quarkus.application.version") String version) {
        this(vertx, clock, version, new HttpClientOptions(), TIMEOUT);
    }

    /** @param options with the authorities to trust */
    PostWebhook(Vertx vertx, Clock clock, String version, HttpClientOptions options, Duration timeout) {
        this.vertx = vertx;
        this.clock = clock;
        this.userAgent = "OMS/" + version;
        this.timeout = timeout;
        this.client = vertx.httpClientBuilder()
                .with(options.setConnectTimeout((int) CONNECT_TIMEOUT.toMillis())
                        .setSslHandshakeTimeout(CONNECT_TIMEOUT.toSeconds())
                        .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS)
                        .setVerifyHost(true)
                        .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                        .setMaxHeaderSize(HEADERS_MAX_BYTES)
                        .setTracingPolicy(TracingPolicy.IGNORE))
                .with(new PoolOptions().setHttp1MaxSize(CONNECTIONS_MAX))
                // Otherwise Vert.x logs as an error what a receiver does wrong.
                .withConnectHandler(connection -> connection.exceptionHandler(e -> LOG.debug("A receiver failed", e)))
                .build();
    }

    /**
     * Posts a message.
     *
     * @param addresses to which to connect, as {@link CheckAddresses} returned them
     * @param headers besides those of HTTP
     * @param body JSON
     * @return never a failed future
     */
    Future<Outcome> post(WebhookUrl url, List<InetAddress> addresses, Map<String, String> headers, Buffer body) {
        Exchange exchange = new Exchange(url, addresses, headers, body);
        vertx.getOrCreateContext().runOnContext(ignored -> exchange.start());
        return exchange.outcome.future();
    }

    /**
     * One message, and its answer. All of it runs on one event loop, that of the context in which it was started: with
     * a lock, two event loops could wait for each other, since Vert.x locks the connection around its callbacks.
     */
    private final class Exchange {
        private final WebhookUrl url;
        private final List<InetAddress> addresses;
        private final Map<String, String> headers;
        private final Buffer body;
        private final Promise<Outcome> outcome = Promise.promise();
        private final long startNanos = System.nanoTime();
        private final Buffer received = Buffer.buffer();

        private HttpClientRequest request;
        private HttpClientResponse response;
        private boolean isRepeated;
        private boolean isOver;

        Exchange(WebhookUrl url, List<InetAddress> addresses, Map<String, String> headers, Buffer body) {
            this.url = url;
            this.addresses = addresses;
            this.headers = headers;
            this.body = body;
        }

        void start() {
            long timer = vertx.setTimer(timeout.toMillis(), id -> end(new TimeoutException()));
            outcome.future().onComplete(done -> vertx.cancelTimer(timer));
            connect(0);
        }

        private void connect(int index) {
            RequestOptions options = new RequestOptions()
                    .setMethod(HttpMethod.POST)
                    .setServer(SocketAddress.inetSocketAddress(
                            new InetSocketAddress(named(addresses.get(index)), url.port())))
                    .setHost(url.host())
                    .setPort(url.port())
                    .setSsl(url.isTls())
                    .setURI(url.path())
                    .putHeader("User-Agent", userAgent)
                    .putHeader("Content-Type", "application/json");
            headers.forEach(options::putHeader);
            client.request(options).onComplete(connected -> {
                if (connected.succeeded()) {
                    send(connected.result());
                } else if (index + 1 < addresses.size() && isConnectFailure(connected.cause()) && !isOver) {
                    connect(index + 1);
                } else {
                    end(connected.cause());
                }
            });
        }

        /**
         * Vert.x keeps connections by the name of an address, which nothing resolves. With the path in it, whatever one
         * receiver sends too much is not taken for the answer of another behind the same host.
         */
        private InetAddress named(InetAddress address) {
            try {
                return InetAddress.getByAddress(address.getHostAddress() + url.path(), address.getAddress());
            } catch (UnknownHostException e) {
                throw new IllegalStateException("Neither 4 nor 16 bytes: " + address, e);
            }
        }

        private void send(HttpClientRequest connected) {
            if (isOver) {
                connected.reset();
                return;
            }
            request = connected;
            if (url.host().contains(":")) {
                request.authority(HostAndPort.create("[" + url.host() + "]", url.port()));
            }
            request.send(body).onComplete(answered -> {
                if (answered.succeeded()) {
                    receive(answered.result());
                } else if (answered.cause() instanceof HttpClosedException && repeat()) {
                    connect(0);
                } else {
                    end(answered.cause());
                }
            });
        }

        private boolean repeat() {
            boolean isFirst = !isRepeated && !isOver;
            isRepeated = true;
            return isFirst;
        }

        private void receive(HttpClientResponse answer) {
            response = answer;
            answer.exceptionHandler(this::end);
            answer.endHandler(ended -> end(null));
            answer.handler(chunk -> {
                received.appendBuffer(chunk, 0, Math.min(chunk.length(), RESPONSE_MAX_BYTES - received.length()));
                if (received.length() == RESPONSE_MAX_BYTES) {
                    end(new TooLongFrameException());
                }
            });
        }

        /** @param failure why the exchange is cut short, or null if the answer is complete */
        private void end(Throwable failure) {
            if (isOver) {
                return;
            }
            isOver = true;
            if (failure != null && request != null) {
                // HTTP/1.1 knows no other way to leave an exchange than to close the connection.
                request.reset();
            }
            int millis = (int) Duration.ofNanos(System.nanoTime() - startNanos).toMillis();
            if (response == null) {
                outcome.complete(new Outcome(null, reason(failure), millis, null, null));
                return;
            }
            int status = response.statusCode();
            outcome.complete(
                    status / 100 == 2
                            ? new Outcome(status, null, millis, null, null)
                            : new Outcome(
                                    status,
                                    "status " + status,
                                    millis,
                                    text(received),
                                    retryAfter(response.getHeader("Retry-After"), clock)));
        }
    }

    private static boolean isConnectFailure(Throwable e) {
        return e instanceof SocketException || e instanceof ConnectTimeoutException;
    }

    /** In a few words that say nothing of OMS, its network or a library. */
    private static String reason(Throwable failure) {
        for (Throwable cause : Causes.of(failure).toList()) {
            if (cause instanceof CertificateException) {
                return "certificate not trusted";
            }
        }
        return switch (failure) {
            case TimeoutException e -> "no answer in time";
            case ConnectTimeoutException e -> "connect time-out";
            case ConnectException e -> "connection refused";
            case SocketException e -> "connection failed";
            case SSLException e -> "TLS failed";
            case HttpClosedException e -> "connection closed";
            case IOException e -> "connection closed";
            default -> "no valid HTTP";
        };
    }

    private static String text(Buffer received) {
        // PostgreSQL stores no NUL.
        String text = received.toString(StandardCharsets.UTF_8).replace('\0', ' ');
        if (text.length() > RESPONSE_KEPT_CHARACTERS) {
            boolean isPair = Character.isHighSurrogate(text.charAt(RESPONSE_KEPT_CHARACTERS - 1));
            text = text.substring(0, isPair ? RESPONSE_KEPT_CHARACTERS - 1 : RESPONSE_KEPT_CHARACTERS);
        }
        return text.isEmpty() ? null : text;
    }

    /** The time that {@code Retry-After} asks for: seconds, or a date. Null for anything else. */
    static Duration retryAfter(String header, Clock clock) {
        if (header == null) {
            return null;
        }
        if (header.matches(SECONDS)) {
            return Duration.ofSeconds(Long.parseLong(header));
        }
        try {
            Duration rest = Duration.between(
                    clock.instant(), DateTimeFormatter.RFC_1123_DATE_TIME.parse(header, Instant::from));
            return rest.isNegative() ? Duration.ZERO : rest;
        } catch (DateTimeException e) {
            return null;
        }
    }
}
