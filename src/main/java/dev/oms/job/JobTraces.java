package dev.oms.job;

import dev.oms.http.RedisConfig;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Propagates a trace through the stream: from the call that made stock due, by the job's entry, to the batch that
 * settles it. Does nothing while tracing is off.
 *
 * @see <a href="https://www.w3.org/TR/trace-context/#traceparent-header">W3C Trace Context</a>
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/">OpenTelemetry, messaging
 *     spans</a>
 */
@ApplicationScoped
class JobTraces {
    private static final Pattern TRACEPARENT = Pattern.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})");

    private final Tracer tracer;
    private final String stream;

    JobTraces(Tracer tracer, RedisConfig config) {
        this.tracer = tracer;
        this.stream = config.key(InventoryJobQueue.STREAM);
    }

    /** The current trace context for a job to carry, or null if the current call is not sampled. */
    static String traceparent() {
        SpanContext here = Span.current().getSpanContext();
        return here.isSampled() ? "00-%s-%s-01".formatted(here.getTraceId(), here.getSpanId()) : null;
    }

    /** Settles a batch in a span that links to the origin of every traced job. */
    void trace(List<Job> jobs, Runnable settle) {
        List<SpanContext> origins = new ArrayList<>();
        for (Job job : jobs) {
            if (job.traceparent() != null) {
                add(origins, job.traceparent());
            }
        }
        if (origins.isEmpty()) {
            settle.run();
            return;
        }
        SpanBuilder builder = tracer.spanBuilder("settle " + stream)
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute("messaging.system", "redis")
                .setAttribute("messaging.operation.name", "settle")
                .setAttribute("messaging.destination.name", stream)
                .setAttribute("messaging.batch.message_count", (long) jobs.size());
        origins.forEach(builder::addLink);
        boolean isOneTrace =
                origins.stream().map(SpanContext::getTraceId).distinct().count() == 1;
        // The batch becomes part of a trace only if all its traced jobs belong to that trace.
        builder.setParent(isOneTrace ? Context.root().with(Span.wrap(origins.getFirst())) : Context.root());
        Span span = builder.startSpan();
        try (Scope _ = span.makeCurrent()) {
            settle.run();
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            span.end();
        }
    }

    private static void add(List<SpanContext> origins, String traceparent) {
        Matcher matcher = TRACEPARENT.matcher(traceparent);
        if (matcher.matches()) {
            SpanContext origin = SpanContext.createFromRemoteParent(
                    matcher.group(1),
                    matcher.group(2),
                    TraceFlags.fromHex(matcher.group(3), 0),
                    TraceState.getDefault());
            if (origin.isValid()) {
                origins.add(origin);
            }
        }
    }
}
