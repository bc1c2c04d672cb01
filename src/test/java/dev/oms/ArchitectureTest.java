package dev.oms;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;

/** The packages of OMS and the direction of their dependencies. */
@AnalyzeClasses(packages = "dev.oms", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule dependenciesPointOneWay = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("main")
            .definedBy("dev.oms")
            .layer("start")
            .definedBy("dev.oms.start")
            .layer("rails")
            .definedBy("dev.oms.rails")
            .layer("webhook")
            .definedBy("dev.oms.webhook")
            .layer("flow")
            .definedBy("dev.oms.flow")
            .layer("audit")
            .definedBy("dev.oms.audit")
            .layer("job")
            .definedBy("dev.oms.job")
            .layer("order")
            .definedBy("dev.oms.order")
            .layer("inventory")
            .definedBy("dev.oms.inventory")
            .layer("user")
            .definedBy("dev.oms.user")
            .layer("event")
            .definedBy("dev.oms.event")
            .layer("access")
            .definedBy("dev.oms.access")
            .layer("http")
            .definedBy("dev.oms.http")
            .layer("embedded")
            .definedBy("dev.oms.embedded")
            .whereLayer("main")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("start")
            .mayOnlyBeAccessedByLayers("main")
            .whereLayer("rails")
            .mayOnlyBeAccessedByLayers("main")
            .whereLayer("webhook")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("flow")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("audit")
            .mayOnlyBeAccessedByLayers("main")
            .whereLayer("job")
            .mayOnlyBeAccessedByLayers("webhook", "flow", "audit")
            .whereLayer("order")
            .mayOnlyBeAccessedByLayers("rails", "flow", "audit", "job")
            .whereLayer("inventory")
            .mayOnlyBeAccessedByLayers("rails", "flow", "audit", "job", "order")
            .whereLayer("user")
            .mayOnlyBeAccessedByLayers("flow", "audit", "job", "order")
            .whereLayer("event")
            .mayOnlyBeAccessedByLayers("rails", "webhook", "flow", "audit", "job", "order", "inventory", "user")
            .whereLayer("access")
            .mayOnlyBeAccessedByLayers("main", "webhook", "event", "flow", "audit", "job", "order", "inventory", "user")
            .whereLayer("embedded")
            .mayOnlyBeAccessedByLayers("main");

    @ArchTest
    static final ArchRule everyPackageIsListed = classes()
            .should()
            .resideInAnyPackage(
                    "dev.oms",
                    "dev.oms.start",
                    "dev.oms.rails",
                    "dev.oms.webhook",
                    "dev.oms.flow",
                    "dev.oms.audit",
                    "dev.oms.job",
                    "dev.oms.order",
                    "dev.oms.inventory",
                    "dev.oms.user",
                    "dev.oms.event",
                    "dev.oms.access",
                    "dev.oms.http",
                    "dev.oms.embedded");

    @ArchTest
    static final ArchRule noCycles = slices().matching("dev.oms.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule onlyJobFlowAndAccessUseRedis = noClasses()
            .that()
            .resideOutsideOfPackages("dev.oms.flow", "dev.oms.job", "dev.oms.access", "dev.oms.embedded")
            // Only classifies what a command of theirs has failed with.
            .and()
            .doNotHaveSimpleName("RedisProblem")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.quarkus.redis..", "io.vertx.mutiny.redis..", "io.vertx.redis..");

    // A resource without a virtual thread would take one of the few threads that health checks run on.
    @ArchTest
    static final ArchRule resourcesRunOnVirtualThreads = classes()
            .that()
            .areAnnotatedWith(Path.class)
            // Its only method starts a stream and does not wait.
            .and()
            .doNotHaveSimpleName("FlowResource")
            .should()
            .beAnnotatedWith(RunOnVirtualThread.class);

    /** All of them contain the {@code Host} of the request, which can be anything. */
    @ArchTest
    static final ArchRule noUrlContainsTheHostOfTheRequest = noClasses()
            .should()
            .callMethod(Response.class, "created", URI.class)
            .orShould()
            .callMethodWhere(target(owner(assignableTo(ResponseBuilder.class)))
                    .and(target(nameMatching("location|contentLocation"))))
            .orShould()
            .callMethodWhere(target(owner(assignableTo(UriInfo.class)))
                    .and(target(nameMatching(
                            "getRequestUriBuilder|getBaseUri(Builder)?|getAbsolutePath(Builder)?|resolve"))))
            .as("No URL should contain the host of the request: use Created, or a path");
}
